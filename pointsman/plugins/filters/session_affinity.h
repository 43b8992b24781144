#pragma once

#include <span>
#include <string_view>

#include "pointsman/plugins/producers/session_affinity.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// Keeps the endpoint of the client's session, if it is among the candidates; else all.
class SessionAffinityFilter final : public Filter,
                                    public Producer,
                                    public Hook,
                                    public ResponseHook,
                                    public Upkeep {
 public:
  using Params = SessionAffinityParams;
  static constexpr std::string_view kType = "session-affinity-filter";
  static constexpr std::string_view kHelp = "Keeps a client's session at its endpoint.";

  SessionAffinityFilter(const Params& params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  void dispatched(const Context& context, const Decision& decision, Effects& effects) override;
  void answered(const Context& context, const Decision& decision, Effects& effects) override;
  void tend(const Fleet& fleet) override;

 private:
  SessionAffinity affinity_;
};

// Scores the endpoint of the client's session 1, all others 0.
class SessionAffinityScorer final : public Scorer,
                                    public Producer,
                                    public Hook,
                                    public ResponseHook,
                                    public Upkeep {
 public:
  using Params = SessionAffinityParams;
  static constexpr std::string_view kType = "session-affinity-scorer";
  static constexpr std::string_view kHelp = "Prefers the endpoint of the client's session.";

  SessionAffinityScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  void dispatched(const Context& context, const Decision& decision, Effects& effects) override;
  void answered(const Context& context, const Decision& decision, Effects& effects) override;
  void tend(const Fleet& fleet) override;

 private:
  SessionAffinity affinity_;
};

}  // namespace pointsman
