#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Reads requests of Vertex AI's gRPC PredictionService whose payload is JSON of the OpenAI API, in
// a google.api.HttpBody (spec/03 section 8.8). They are passed on as they are.
class VertexAiParser final : public Parser {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "vertexai-parser";
  static constexpr std::string_view kHelp =
      "Reads requests and responses of Vertex AI's gRPC PredictionService that carry OpenAI JSON.";

  VertexAiParser(Params, Setup&) {}

  std::span<const std::string_view> paths() const override;
  Result<Parsed> parse(std::string_view body, Request& request, Arena& arena) const override;
  void read(std::string_view chunk, bool sse, bool end, ResponseProgress& progress) const override;
};

}  // namespace pointsman
