#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Always yes.
class AlwaysDisaggregateDecider final : public Decider {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "always-disagg-pd-decider";
  static constexpr std::string_view kHelp = "Has every prompt computed by a prefill server.";

  AlwaysDisaggregateDecider(Params params, Setup& setup);
  bool disaggregate(const Context& context, EndpointIndex endpoint) const override;
};

// Yes when the request holds an image, audio or video.
class MultimodalDecider final : public Decider {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "always-disagg-multimodal-decider";
  static constexpr std::string_view kHelp = "Has images, audio and video encoded on their own.";

  MultimodalDecider(Params params, Setup& setup);
  bool disaggregate(const Context& context, EndpointIndex endpoint) const override;
};

struct PrefixDeciderParams {
  std::int64_t non_cached_tokens = 0;
  std::int64_t prompt_tokens = 0;
  std::string producer;

  static constexpr auto fields() {
    using P = PrefixDeciderParams;
    return std::tuple{
        field("nonCachedTokens", &P::non_cached_tokens,
              "Yes from so many tokens on that the decode server does not hold; 0: never."),
        field("promptTokens", &P::prompt_tokens, "No for prompts of fewer tokens; 0: no limit."),
        field("prefixMatchInfoProducerName", &P::producer,
              "Whose estimate of what is cached is read."),
    };
  }
  static Result<void> check(const PrefixDeciderParams& params);
};

// Yes when the server that will decode lacks too much of the prompt in its cache.
class PrefixDecider final : public Decider {
 public:
  using Params = PrefixDeciderParams;
  static constexpr std::string_view kType = "prefix-based-pd-decider";
  static constexpr std::string_view kHelp =
      "Has a prompt computed elsewhere when little of it is cached where it will be decoded.";

  PrefixDecider(const Params& params, Setup& setup);
  bool disaggregate(const Context& context, EndpointIndex endpoint) const override;

 private:
  std::int64_t non_cached_;
  std::int64_t at_least_;
  Column<PrefixMatch> match_;
  Cell<TokenizedPrompt> prompt_;
};

}  // namespace pointsman
