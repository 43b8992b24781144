#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/model/per_endpoint.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// The lengths of prompts, in tokens, that an endpoint is meant for; both ends belong to it.
struct LengthRange {
  std::int64_t low = 0;
  std::int64_t high = 0;

  // "<low>-<high>", spaces around the numbers allowed; nothing for anything else.
  static std::optional<LengthRange> parse(std::string_view text);
};

struct ContextLengthParams {
  std::string label = "llm-d.ai/context-length-range";
  bool filtering = false;

  static constexpr auto fields() {
    using P = ContextLengthParams;
    return std::tuple{
        field("label", &P::label, "The label that holds an endpoint's range, such as 0-8192."),
        field("enableFiltering", &P::filtering,
              "Take endpoints out whose range does not hold the prompt."),
    };
  }
  static Result<void> check(const ContextLengthParams& params);
};

// Sends prompts to endpoints meant for their length, by a label (spec/01 sections 3.1.10, 3.2.16):
// as a scorer, and as a filter when asked. An endpoint without the label serves any length.
class ContextLengthAware final : public Filter, public Scorer {
 public:
  using Params = ContextLengthParams;
  static constexpr std::string_view kType = "context-length-aware";
  static constexpr std::string_view kHelp =
      "Prefers, or only keeps, endpoints whose label says they serve prompts of this length.";

  ContextLengthAware(Params params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;

 private:
  // What an endpoint's label says.
  struct Meant {
    enum class For : std::uint8_t { any_length, unreadable, range };
    For what = For::any_length;
    LengthRange range;
  };

  std::int64_t length(const Context& context) const;
  std::span<const Meant> meant(const Context& context) const;

  std::string label_;
  bool filtering_;
  PerEndpoint<Meant> meant_;
  Cell<TokenizedPrompt> prompt_;
};

}  // namespace pointsman
