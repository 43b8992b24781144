#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "pointsman/plugins/producers/session_affinity.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// What the filter and the scorer of sessions have in common: looking the session up, and following
// where it goes.
class SessionFollower : public Producer, public Hook, public ResponseHook, public Upkeep {
 public:
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;
  void answered(const Context& context, const Decision& decision, const Answer& answer,
                Effects& effects) override;
  void tend(const Fleet& fleet) override;

 protected:
  SessionFollower(const SessionAffinityParams& params, Setup& setup)
      : affinity_(params, setup, std::make_shared<SessionBindings>()) {}

  const SessionAffinity& affinity() const { return affinity_; }

 private:
  SessionAffinity affinity_;
};

// Keeps the endpoint of the client's session, if it is among the candidates; else all.
class SessionAffinityFilter final : public Filter, public SessionFollower {
 public:
  using Params = SessionAffinityParams;
  static constexpr std::string_view kType = "session-affinity-filter";
  static constexpr std::string_view kHelp = "Keeps a client's session at its endpoint.";

  SessionAffinityFilter(const Params& params, Setup& setup) : SessionFollower(params, setup) {}
  void filter(const Context& context, Candidates& candidates) const override;
};

// Scores the endpoint of the client's session 1, all others 0.
class SessionAffinityScorer final : public Scorer, public SessionFollower {
 public:
  using Params = SessionAffinityParams;
  static constexpr std::string_view kType = "session-affinity-scorer";
  static constexpr std::string_view kHelp = "Prefers the endpoint of the client's session.";

  SessionAffinityScorer(const Params& params, Setup& setup) : SessionFollower(params, setup) {}
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
};

}  // namespace pointsman
