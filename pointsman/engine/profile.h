#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/engine/laps.h"
#include "pointsman/model/decision.h"
#include "pointsman/stage/context.h"
#include "pointsman/stage/filter.h"
#include "pointsman/stage/picker.h"
#include "pointsman/stage/scorer.h"

namespace pointsman {

// One scheduling profile: filters, then scorers, then a picker, in configuration order. It runs
// them, times them, weighs and defends: a score outside [0, 1] is clamped, NaN counts 0.
//
// Threading: run() may be called concurrently, with a metrics shard per thread.
class Profile {
 public:
  struct FilterStep {
    TypedName name;
    std::shared_ptr<const Filter> filter;
    PluginTimer timer;
  };
  struct ScorerStep {
    TypedName name;
    double weight = 1.0;
    std::shared_ptr<const Scorer> scorer;
    PluginTimer timer;
    std::string span_name;  // "llm_d.epp.scorer.<type>"
    bool records_readings = false;
  };
  struct PickerStep {
    TypedName name;
    std::shared_ptr<const Picker> picker;
    PluginTimer timer;
  };

  Profile(std::string name, std::vector<FilterStep> filters, std::vector<ScorerStep> scorers,
          PickerStep picker);

  const std::string& name() const { return name_; }
  // The names that a Decision shows for this profile.
  Plan::Profile plan() const;

  // Runs the profile for one request and appends a ProfileRun to the decision. `index` is the
  // profile's place in the plan, `number` tells repeated runs of one request apart in the random
  // sequence. The error, when filters leave nothing, is resource_exhausted / rejected-saturated.
  // An exception of a plugin passes through; every span has ended by then.
  Result<void> run(std::size_t index, const Context& context,
                   std::span<const EndpointIndex> candidates, Decision& decision, Laps& laps) const;

 private:
  void filter(const Context& context, ProfileRun& run, Decision& decision, Laps& laps) const;
  void score(const Context& context, ProfileRun& run, Decision& decision, Laps& laps) const;
  void pick(const Context& context, ProfileRun& run, Decision& decision, Laps& laps) const;

  std::string name_;
  std::vector<FilterStep> filters_;
  std::vector<ScorerStep> scorers_;
  std::vector<double> weights_;  // theirs
  PickerStep picker_;
};

}  // namespace pointsman
