#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Reads requests of the Anthropic Messages API (spec/03 section 8.3). Counting tokens is passed on
// unread, and its response is not waited for.
class AnthropicParser final : public Parser {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "anthropic-parser";
  static constexpr std::string_view kHelp =
      "Reads requests and responses of the Anthropic Messages API.";

  AnthropicParser(Params, Setup&) {}

  std::span<const std::string_view> paths() const override;
  Result<Parsed> parse(std::string_view body, Request& request, Arena& arena) const override;
  void read(std::string_view chunk, bool sse, bool end, ResponseProgress& progress) const override;
};

}  // namespace pointsman
