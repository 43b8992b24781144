#include "pointsman/model/decision.h"

#include <array>
#include <atomic>
#include <string_view>

#include "pointsman/base/random.h"

namespace pointsman {

std::string_view text(DropReason reason) {
  static constexpr std::array<std::string_view, kDropReasons> kTexts{
      "",
      "not ready",
      "outside the gateway's subset",
      "labels do not match",
      "saturated",
      "signals too old",
      "filtered",
      "the session is bound to another",
      "too far from the peer",
      "an attribute does not allow it",
      "others hold the prompt",
      "latency headroom",
      "context length out of its range",
      "not named by the request",
      "does not serve the model",
      "ejected after failures",
      "kept away by a screener",
      "at its limit of requests"};
  return kTexts.at(static_cast<std::size_t>(reason));
}

void Decision::reset() {
  id = 0;
  request_id.clear();
  model.clear();
  target_model.clear();
  body_bytes = 0;
  priority = 0;
  seed = 0;
  fleet.reset();
  plan.reset();
  runs.clear();
  primary = -1;
  candidates.clear();
  drops.clear();
  scores.clear();
  readings.clear();
  totals.clear();
  picks.clear();
  error.clear();
  inputs.reset();
  matrix_wanted = false;
  predicted_cached_tokens = -1;
  outcome.served_by.clear();
  std::string kept = std::move(outcome.served_by);
  outcome = {};
  outcome.served_by = std::move(kept);
}

std::span<const EndpointIndex> Decision::candidates_of(const ProfileRun& run) const {
  return std::span(candidates).subspan(run.first_candidate, run.candidates);
}

std::span<const Drop> Decision::drops_of(const ProfileRun& run) const {
  return std::span(drops).subspan(run.first_drop, run.drops);
}

std::span<const double> Decision::scores_of(const ProfileRun& run, std::size_t scorer) const {
  return std::span(scores).subspan(run.first_score + scorer * run.candidates, run.candidates);
}

std::span<const float> Decision::readings_of(const ProfileRun& run, std::size_t scorer) const {
  if (plan->profiles[run.profile].scorers[scorer].reading.from != Reading::From::signal) return {};
  return std::span(readings).subspan(run.first_reading + scorer * run.candidates, run.candidates);
}

std::span<const double> Decision::totals_of(const ProfileRun& run) const {
  return std::span(totals).subspan(run.first_total, run.failed ? 0 : run.candidates);
}

std::span<const EndpointIndex> Decision::picks_of(const ProfileRun& run) const {
  return std::span(picks).subspan(run.first_pick, run.picks);
}

std::span<const EndpointIndex> Decision::targets() const {
  if (primary < 0) return {};
  return picks_of(runs[static_cast<std::size_t>(primary)]);
}

std::string decision_id_text(std::uint64_t id) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; id >>= 4U) out[i] = kDigits[id & 15U];
  return out;
}

std::uint64_t next_decision_id() {
  static std::atomic<std::uint64_t> last = entropy();
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace pointsman
