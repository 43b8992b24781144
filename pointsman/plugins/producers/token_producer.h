#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/plugins/producers/media_estimate.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// A tokenizer in another process, as earlier releases named it.
struct TokenizerSocket {
  std::string socket_file;
  bool use_tcp = false;
  std::map<std::string, std::string> tokenizers;
  static constexpr auto fields() {
    using P = TokenizerSocket;
    return std::tuple{field("socketFile", &P::socket_file, "Socket of the tokenizer service."),
                      field("useTCP", &P::use_tcp, "The socket is host:port."),
                      field("modelTokenizerMap", &P::tokenizers, "Tokenizer of each model.")};
  }
};

struct TokenProducerParams {
  struct Vllm {
    std::string url;
    std::string timeout;
    std::string mm_timeout;
    static constexpr auto fields() {
      using P = Vllm;
      return std::tuple{field("url", &P::url, "Base URL of the render service."),
                        field("timeout", &P::timeout, "For text."),
                        field("mmTimeout", &P::mm_timeout, "For images, audio and video.")};
    }
  };
  using Uds = TokenizerSocket;

  std::string model_name;
  std::optional<Vllm> vllm;
  std::optional<Uds> uds;
  std::optional<MediaEstimate> estimate;

  static constexpr auto fields() {
    using P = TokenProducerParams;
    return std::tuple{
        field("modelName", &P::model_name, "For a tokenizer service; not in this build."),
        field("vllm", &P::vllm, "Tokenize by a vLLM render service; not in this build."),
        field("udsTokenizerConfig", &P::uds, "Tokenize by a local service; not in this build."),
        field("estimate", &P::estimate, "Take 4 bytes for a token. The default."),
    };
  }
  static Result<void> check(const TokenProducerParams& params);
};

// Tells every other plugin what the prompt is in tokens, by the estimate that 4 bytes are one
// (spec/05 section 3.6). The tokens are never written down: what it gives out are the stretches
// of the request that they are made of.
class TokenProducer final : public Producer {
 public:
  using Params = TokenProducerParams;
  static constexpr std::string_view kType = "token-producer";
  static constexpr std::string_view kHelp = "Takes the prompt apart into tokens, by estimate.";

  TokenProducer(Params params, Setup& setup);

  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;

 private:
  std::span<const Prompt> resolved(const Request& request, Arena& arena) const;

  MediaEstimate estimate_;
  Cell<TokenizedPrompt> prompt_;
};

}  // namespace pointsman
