#pragma once

#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// The flow-control policies that every configuration names by default. A configuration that refers
// to them is checked; the queue that would ask them is behind the gate `flowControl`.

class FcfsOrdering final : public FlowPolicy {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "fcfs-ordering-policy";
  static constexpr std::string_view kHelp = "Serves waiting requests in order of arrival.";

  FcfsOrdering(Params /*params*/, Setup& /*setup*/) {}
  Kind kind() const override { return Kind::ordering; }
};

class GlobalStrictFairness final : public FlowPolicy {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "global-strict-fairness-policy";
  static constexpr std::string_view kHelp = "Serves the best waiting request of all flows.";

  GlobalStrictFairness(Params /*params*/, Setup& /*setup*/) {}
  Kind kind() const override { return Kind::fairness; }
};

struct StaticUsageLimitParams {
  double threshold = 1.0;

  static constexpr auto fields() {
    return std::tuple{field("threshold", &StaticUsageLimitParams::threshold,
                            "Share of the pool's capacity that may be used.")};
  }
};

class StaticUsageLimit final : public FlowPolicy {
 public:
  using Params = StaticUsageLimitParams;
  static constexpr std::string_view kType = "static-usage-limit-policy";
  static constexpr std::string_view kHelp = "Lets requests use a constant share of the pool.";

  StaticUsageLimit(Params /*params*/, Setup& /*setup*/) {}
  Kind kind() const override { return Kind::usage_limit; }
};

}  // namespace pointsman
