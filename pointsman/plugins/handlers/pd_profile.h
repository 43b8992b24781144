#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct PdProfileParams {
  std::string decode = "decode";
  std::string prefill = "prefill";
  int primary_port = 0;
  std::string decider = "prefix-based-pd-decider";
  std::string producer;
  std::string prefix_type;
  std::string prefix_name;

  static constexpr auto fields() {
    using P = PdProfileParams;
    return std::tuple{
        field("decodeProfile", &P::decode, "Picks the server that answers."),
        field("prefillProfile", &P::prefill, "Picks the server that computes the prompt."),
        field("primaryPort", &P::primary_port,
              "Port of a pod's first rank; 0: no data parallelism."),
        field("deciderPluginName", &P::decider, "Plugin that says when to prefill elsewhere."),
        field("prefixMatchInfoProducerName", &P::producer, "Has no effect."),
        field("prefixPluginType", &P::prefix_type, "Has no effect."),
        field("prefixPluginName", &P::prefix_name, "Has no effect."),
    };
  }
  static Result<void> check(const PdProfileParams& params);
};

// Prefill and decode on different servers, in the form of earlier releases; disagg-profile-handler
// has taken its place (spec/01 section 3.4.6).
class PdProfileHandler final : public ProfileHandler, public Hook, public Linked {
 public:
  using Params = PdProfileParams;
  static constexpr std::string_view kType = "pd-profile-handler";
  static constexpr std::string_view kHelp = "Splits requests into prefill and decode.";

  PdProfileHandler(Params params, Setup& setup);

  Result<void> link(const Plugins& plugins) override;
  void choose(const Context& context, std::span<ProfileState> profiles,
              std::span<bool> run) const override;
  Result<std::size_t> conclude(const Context& context,
                               std::span<const ProfileState> profiles) const override;
  std::optional<std::uint16_t> target_port() const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;

 private:
  Params params_;
  std::shared_ptr<const Decider> decider_;
};

}  // namespace pointsman
