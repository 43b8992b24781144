#pragma once

#include <array>
#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

inline constexpr std::array<std::string_view, 8> kOpenAiPaths{
    "chat/completions",   "completions",       "embeddings",
    "responses",          "conversations",     "chat/completions/render",
    "completions/render", "images/generations"};

// Reads a request body as the API that its path names; completions when none does.
Result<Parsed> parse_openai(std::string_view body, Request& request, Arena& arena);

// Reads requests of the OpenAI API: chat completions, completions, embeddings, responses,
// conversations and image generation (spec/03 sections 8.1 and 8.2).
class OpenAiParser final : public Parser {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "openai-parser";
  static constexpr std::string_view kHelp = "Reads requests and responses of the OpenAI API.";

  OpenAiParser(Params, Setup&) {}

  std::span<const std::string_view> paths() const override { return kOpenAiPaths; }
  Result<Parsed> parse(std::string_view body, Request& request, Arena& arena) const override {
    return parse_openai(body, request, arena);
  }
  void read(std::string_view chunk, bool sse, bool end, ResponseProgress& progress) const override;
};

}  // namespace pointsman
