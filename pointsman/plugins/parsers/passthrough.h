#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Reads nothing: requests are routed without looking at their payload. It claims no path, which
// makes it the fallback (spec/03 section 8.9).
class PassthroughParser final : public Parser {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "passthrough-parser";
  static constexpr std::string_view kHelp = "Routes requests of any API without reading them.";

  PassthroughParser(Params, Setup&) {}

  std::span<const std::string_view> paths() const override { return {}; }
  Result<Parsed> parse(std::string_view /*body*/, Request& request,
                       Arena& /*arena*/) const override {
    request.prompts = {};
    return Parsed{};
  }
  void read(std::string_view /*chunk*/, bool /*sse*/, bool /*end*/,
            ResponseProgress& /*progress*/) const override {}
};

}  // namespace pointsman
