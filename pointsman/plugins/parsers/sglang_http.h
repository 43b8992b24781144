#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Reads requests of SGLang's own generate API, whose prompt comes as token ids (spec/03 section
// 8.5). They name no model and are passed on as they are.
class SglangHttpParser final : public Parser {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "sglanghttp-parser";
  static constexpr std::string_view kHelp =
      "Reads requests and responses of SGLang's token-in generate API.";

  SglangHttpParser(Params, Setup&) {}

  std::span<const std::string_view> paths() const override;
  Result<Parsed> parse(std::string_view body, Request& request, Arena& arena) const override;
  void read(std::string_view chunk, bool sse, bool end, ResponseProgress& progress) const override;
};

}  // namespace pointsman
