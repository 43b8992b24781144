#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "pointsman/plugins/parsers/openai.h"

namespace pointsman {

// Reads requests of vLLM's own generate API, whose prompt comes as token ids (spec/03 section 8.4).
// Responses are those of the OpenAI API.
class VllmHttpParser final : public Parser {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "vllmhttp-parser";
  static constexpr std::string_view kHelp = "Reads requests of vLLM's token-in generate API.";

  VllmHttpParser(Params, Setup&) {}
  // `reads_openai`: every other path is read as openai-parser reads it, which is what older
  // releases did where the configuration named this parser as its only one.
  explicit VllmHttpParser(bool reads_openai) : reads_openai_(reads_openai) {}

  std::span<const std::string_view> paths() const override;
  Result<Parsed> parse(std::string_view body, Request& request, Arena& arena) const override;
  void read(std::string_view chunk, bool sse, bool end, ResponseProgress& progress) const override;

 private:
  bool reads_openai_ = false;
};

// For configurations that name vllmhttp-parser as `requestHandler.parser.pluginRef`.
std::shared_ptr<Parser> make_vllmhttp_with_openai_paths();

}  // namespace pointsman
