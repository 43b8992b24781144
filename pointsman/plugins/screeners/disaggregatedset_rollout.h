#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "pointsman/config/label_selector.h"
#include "pointsman/model/per_endpoint.h"
#include "pointsman/plugins/screeners/revision_shares.h"
#include "pointsman/plugins/screeners/rollout_params.h"

namespace pointsman {

// Keeps all stages of a request on one revision of a disaggregated set while that is being rolled
// out, and shares requests among revisions by the pods that each has (spec/03 section 15.4). What
// the set consists of is read from the fleet of each decision: endpoints that are ready, in scope,
// and carry both labels; several endpoints of one pod count once. Without any the request is
// refused.
class DisaggregatedSetRollout final : public Screener, public ResponseHook, public Gauged {
 public:
  using Params = RolloutParams;
  static constexpr std::string_view kType = "disaggregatedset-rollout-screener";
  static constexpr std::string_view kHelp =
      "Keeps the stages of a request on one revision of a disaggregated set, and shares requests "
      "among revisions.";

  DisaggregatedSetRollout(Params params, Setup& setup);

  void screen(const Context& context, std::span<const EndpointIndex> candidates,
              std::span<bool> stays, Random random, Samples& samples) const override;
  void answered(const Context& context, const Decision& decision, const Answer& answer,
                Effects& effects) override;
  void gauges(const Fleet& fleet, std::vector<GaugeReading>& out) const override;

 private:
  // What the labels of an endpoint say.
  struct Member {
    bool in_scope = false;
    std::string_view revision;  // empty where the label is absent
    std::string_view role;
  };

  std::span<const Member> members(const Fleet& fleet) const;
  // What every revision of the set gets, in `arena`.
  std::span<RevisionShare> shares(const Fleet& fleet, Arena& arena) const;
  void gate(const Context& context, std::span<const EndpointIndex> candidates,
            std::span<bool> stays, Random random) const;

  Params params_;
  LabelSelector scope_;
  PerEndpoint<Member> members_;
};

}  // namespace pointsman
