#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/plugins/handlers/disagg_params.h"
#include "pointsman/plugins/handlers/stage_headers.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// Disaggregated serving: a request is decoded on one server, and may have its prompt computed and
// its media encoded on others. Each stage is a profile; deciders say which stages a request gets.
// A stage whose profile finds no endpoint falls back to the decode server (spec/08 section 2.3).
class DisaggProfileHandler final : public ProfileHandler, public Hook, public Linked {
 public:
  using Params = DisaggParams;
  static constexpr std::string_view kType = "disagg-profile-handler";
  static constexpr std::string_view kHelp =
      "Splits requests into encode, prefill and decode stages on different servers.";

  DisaggProfileHandler(Params params, Setup& setup);

  Result<void> link(const Plugins& plugins) override;
  void choose(const Context& context, std::span<ProfileState> profiles,
              std::span<bool> run) const override;
  EndpointIndex peer(const Context& context, std::span<const ProfileState> profiles) const override;
  Result<std::size_t> conclude(const Context& context,
                               std::span<const ProfileState> profiles) const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;

 private:
  // Where the three stages stand among the profiles of this configuration; null: no such profile.
  struct Stages {
    ProfileState* decode;
    ProfileState* prefill;
    ProfileState* encode;
  };
  Stages stages(std::span<ProfileState> profiles) const;

  // The next profile to run, or nullptr at the end, and what the span says of it.
  ProfileState* next(const Context& context, const Stages& stages, Trace::Scope& scope) const;
  ProfileState* next_encode(const Context& context, const Stages& stages, EndpointIndex decoder,
                            Trace::Scope& scope) const;

  DisaggParams params_;
  StageHeaders headers_;
  std::shared_ptr<const Decider> prefill_decider_;
  std::shared_ptr<const Decider> encode_decider_;
};

// "encode-prefill-decode", "encode-decode", "prefill-decode" or "decode-only".
std::string_view decision_type(bool encode, bool prefill);

// The decider of that name. `field`: the parameter that names it, for errors.
Result<std::shared_ptr<const Decider>> find_decider(const Plugins& plugins, std::string_view name,
                                                    std::string_view stage);

}  // namespace pointsman
