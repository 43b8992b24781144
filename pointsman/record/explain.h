#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pointsman/model/decision.h"

namespace pointsman {

// One scorer's part in a decision.
struct Voice {
  double lead = 0.0;        // contribution of the pick less that of the runner-up
  std::size_t without = 0;  // who would have the best total without it; the pick, if it ties
  double without_by = 0.0;  // and by how much over the next

  bool opposed() const { return lead < 0; }  // it spoke for the runner-up
};

// Why the primary profile picked whom it picked, in closed form: the pick is held against the
// runner-up, scorer by scorer.
struct Explanation {
  std::size_t pick = 0;                  // position among the run's candidates
  std::optional<std::size_t> runner_up;  // the best of the others; none: it was the only candidate
  double margin = 0.0;                   // total of the pick less that of the runner-up
  std::vector<Voice> voices;             // per scorer; none without a runner-up
  std::optional<std::size_t> decider;    // the scorer with the largest lead, if the margin is > 0
  bool pivotal = false;                  // without the decider another candidate has the best total
  // The oldest value behind the pick's and the runner-up's scores: which scorer, whose, how old.
  struct Stalest {
    std::size_t scorer = 0;
    std::size_t candidate = 0;
    double age_ms = 0.0;
  };
  std::optional<Stalest> stalest;
  std::string sentence;
};

// Nothing when the decision picked nobody.
std::optional<Explanation> explain(const Decision& decision);

// What a scorer saw of a candidate, for people: "3 waiting requests", "4096 cached tokens",
// "12.5 % of the KV cache"; empty when it saw nothing.
std::string reading_text(const Decision& decision, const ProfileRun& run, std::size_t scorer,
                         std::size_t candidate);

// How old that value was when the decision was made, in milliseconds; nothing when it has no age.
std::optional<double> reading_age_ms(const Decision& decision, const ProfileRun& run,
                                     std::size_t scorer, std::size_t candidate);

}  // namespace pointsman
