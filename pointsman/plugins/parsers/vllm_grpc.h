#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Reads requests of vLLM's gRPC engine service, vllm.grpc.engine.VllmEngine: Generate and Embed
// (spec/03 section 8.7). They name no model and are passed on as they are.
class VllmGrpcParser final : public Parser {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "vllmgrpc-parser";
  static constexpr std::string_view kHelp =
      "Reads requests and responses of vLLM's gRPC service VllmEngine.";

  VllmGrpcParser(Params, Setup&) {}

  std::span<const std::string_view> paths() const override;
  Result<Parsed> parse(std::string_view body, Request& request, Arena& arena) const override;
  void read(std::string_view chunk, bool sse, bool end, ResponseProgress& progress) const override;
};

}  // namespace pointsman
