#include "pointsman/engine/profile.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/base/extremes.h"
#include "pointsman/base/wide.h"
#include "pointsman/engine/span_attributes.h"

namespace pointsman {
namespace {

constexpr double kNoScore = std::numeric_limits<double>::quiet_NaN();
constexpr float kNoReading = std::numeric_limits<float>::quiet_NaN();

// Runs a stage; an exception that passes leaves its event on the stage's span.
template <typename Stage>
void traced(Trace::Scope& scope, Stage&& stage) {
  try {
    stage();
  } catch (...) {
    scope.exception(std::current_exception());
    throw;
  }
}

// How many share the best total.
std::uint32_t ties(std::span<const double> totals) {
  const double* const total = totals.data();
  const std::size_t n = totals.size();
  std::uint32_t count = 0;
  wide([=, &count]() __attribute__((always_inline)) {
    const double best = extremes(total, n).most;
    std::uint32_t same = 0;
    for (std::size_t i = 0; i < n; ++i) same += total[i] == best ? 1 : 0;
    count = same;
  });
  return count;
}

void set_all(std::span<double> values, double value) {
  double* const first = values.data();
  const std::size_t n = values.size();
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) first[i] = value;
  });
}

// The next scorers' rows of scores, added to the totals; four at a time, so that a total is not
// written and read again for each. Always added in the scorers' order: the bits do not depend on
// how they are grouped.
void add_four(double* totals, const double* scores, const double* weights, std::size_t n) {
  double* const __restrict total = totals;
  const double* const __restrict row0 = scores;
  const double* const __restrict row1 = scores + n;
  const double* const __restrict row2 = scores + 2 * n;
  const double* const __restrict row3 = scores + 3 * n;
  const double weight0 = weights[0];
  const double weight1 = weights[1];
  const double weight2 = weights[2];
  const double weight3 = weights[3];
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) {
      total[i] = total[i] + counted(row0[i]) * weight0 + counted(row1[i]) * weight1 +
                 counted(row2[i]) * weight2 + counted(row3[i]) * weight3;
    }
  });
}

void add_one(double* totals, const double* scores, double weight, std::size_t n) {
  double* const __restrict total = totals;
  const double* const __restrict score = scores;
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) total[i] += counted(score[i]) * weight;
  });
}

// Adds the sums of clamped score times weight. `scores` holds a row per weight.
void add_up(std::span<double> totals, std::span<const double> scores,
            std::span<const double> weights) {
  const std::size_t n = totals.size();
  std::size_t row = 0;
  for (; row + 4 <= weights.size(); row += 4) {
    add_four(totals.data(), &scores[row * n], &weights[row], n);
  }
  for (; row < weights.size(); ++row) {
    add_one(totals.data(), &scores[row * n], weights[row], n);
  }
}

// A run's random sequences depend on the seed and the run's number only.
std::uint64_t run_seed(const Decision& decision) {
  return decision.seed + decision.runs.size() * 0x9E3779B97F4A7C15U;
}

std::uint32_t size32(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

}  // namespace

Profile::Profile(std::string name, std::vector<FilterStep> filters, std::vector<ScorerStep> scorers,
                 PickerStep picker)
    : name_(std::move(name)),
      filters_(std::move(filters)),
      scorers_(std::move(scorers)),
      picker_(std::move(picker)) {
  if (picker_.picker == nullptr) bug("a profile without a picker");
  for (ScorerStep& step : scorers_) {
    weights_.push_back(step.weight);
    step.span_name = "llm_d.epp.scorer." + step.name.type;
    step.records_readings = step.scorer->reading().from == Reading::From::signal;
  }
}

Plan::Profile Profile::plan() const {
  Plan::Profile plan{.name = name_, .picker = picker_.name};
  for (const FilterStep& step : filters_) plan.filters.push_back({step.name});
  for (const ScorerStep& step : scorers_) {
    plan.scorers.push_back(
        {step.name, step.weight, step.scorer->reading(), std::string(step.scorer->unit())});
  }
  return plan;
}

Result<void> Profile::run(std::size_t index, const Context& context,
                          std::span<const EndpointIndex> candidates, Decision& decision,
                          Laps& laps) const {
  auto scope = context.trace.enter("run_scheduler_profile", SpanScope::scheduling);
  scope.set("llm_d.epp.scheduling.profile.name", name_);

  ProfileRun run{.profile = static_cast<std::uint16_t>(index),
                 .first_candidate = size32(decision.candidates.size()),
                 .candidates = size32(candidates.size()),
                 .first_drop = size32(decision.drops.size()),
                 .first_score = size32(decision.scores.size()),
                 .first_reading = size32(decision.readings.size()),
                 .first_total = size32(decision.totals.size()),
                 .first_pick = size32(decision.picks.size()),
                 .began = context.now};
  decision.candidates.insert(decision.candidates.end(), candidates.begin(), candidates.end());

  traced(scope, [&] {
    filter(context, run, decision, laps);
    if (run.candidates == 0) {
      run.failed = true;
      return;
    }
    score(context, run, decision, laps);
    pick(context, run, decision, laps);
  });
  decision.runs.push_back(run);
  if (run.failed) {
    scope.error("no endpoints available for the given request");
    return fail(Code::resource_exhausted, "no endpoints available for the given request",
                "rejected-saturated");
  }
  return {};
}

void Profile::filter(const Context& context, ProfileRun& run, Decision& decision,
                     Laps& laps) const {
  auto scope = context.trace.enter("filter_endpoints", SpanScope::scheduling);
  scope.set("llm_d.epp.filter.candidate_endpoints", std::size_t{run.candidates});
  set_request(scope, context.request);

  Candidates candidates(std::span(decision.candidates).subspan(run.first_candidate), decision.drops,
                        run_seed(decision));
  traced(scope, [&] {
    for (std::size_t i = 0; i < filters_.size() && !candidates.empty(); ++i) {
      candidates.set_filter(static_cast<std::uint8_t>(i));
      filters_[i].filter->filter(context, candidates);
      laps.lap(filters_[i].timer);
    }
    run.filtered = laps.last();
  });
  run.candidates = size32(candidates.size());
  run.drops = size32(decision.drops.size()) - run.first_drop;
  decision.candidates.resize(run.first_candidate + run.candidates);
  scope.set("llm_d.epp.filter.filtered_endpoints", candidates.size());
}

void Profile::score(const Context& context, ProfileRun& run, Decision& decision, Laps& laps) const {
  auto scope = context.trace.enter("llm_d.epp.scoring", SpanScope::scheduling);
  const std::size_t n = run.candidates;
  scope.set("llm_d.epp.scorer.count", scorers_.size());
  scope.set("llm_d.epp.scoring.candidate_endpoints", n);
  set_request(scope, context.request);

  decision.scores.resize(run.first_score + scorers_.size() * n);
  decision.readings.resize(run.first_reading + scorers_.size() * n);
  decision.totals.resize(run.first_total + n);  // zeros
  const auto candidates =
      std::span<const EndpointIndex>(decision.candidates).subspan(run.first_candidate, n);
  const auto scores = std::span(decision.scores).subspan(run.first_score);
  const auto totals = std::span(decision.totals).subspan(run.first_total, n);

  set_all(scores, kNoScore);
  traced(scope, [&] {
    for (std::size_t s = 0; s < scorers_.size(); ++s) {
      const ScorerStep& step = scorers_[s];
      const auto raw = scores.subspan(s * n, n);
      auto inner = context.trace.enter(step.span_name, SpanScope::scheduling);
      if (inner.recording()) laps.restart();
      traced(inner, [&] { step.scorer->score(context, candidates, raw); });
      laps.lap(step.timer);
      if (step.records_readings) {
        const auto readings = std::span(decision.readings).subspan(run.first_reading + s * n, n);
        std::ranges::fill(readings, kNoReading);
        step.scorer->readings(context, candidates, readings);
      }
      if (inner.recording()) {
        inner.set("llm_d.epp.scorer.type", step.name.type);
        inner.set("llm_d.epp.scorer.name", step.name.name);
        inner.set("llm_d.epp.scorer.weight", step.weight);
        inner.set("llm_d.epp.scorer.candidate_endpoints", n);
        set_scores(inner, raw);
      }
    }
    run.scored = laps.last();
  });
  add_up(totals, scores, weights_);
}

void Profile::pick(const Context& context, ProfileRun& run, Decision& decision, Laps& laps) const {
  auto scope = context.trace.enter("pick_endpoints", SpanScope::scheduling);
  const std::size_t n = run.candidates;
  const auto candidates =
      std::span<const EndpointIndex>(decision.candidates).subspan(run.first_candidate, n);
  const auto totals = std::span<const double>(decision.totals).subspan(run.first_total, n);
  scope.set("llm_d.epp.picker.candidate_endpoints", n);
  set_top(scope, context.fleet, candidates, totals);
  set_request(scope, context.request);

  decision.picks.resize(run.first_pick + n);
  Random random(run_seed(decision));
  std::size_t picked = 0;
  if (scope.recording()) laps.restart();
  traced(scope, [&] {
    picked = picker_.picker->pick(candidates, totals, random, context.trace,
                                  std::span(decision.picks).subspan(run.first_pick, n));
    laps.lap(picker_.timer);
    run.picked = laps.last();
  });
  if (picked > n) bug("a picker picked more endpoints than there are");
  run.picks = size32(picked);
  decision.picks.resize(run.first_pick + picked);
  run.ties = ties(totals);
  scope.set("llm_d.epp.picker.selected_endpoints", picked);
  if (decision.matrix_wanted) set_matrix(scope, context.fleet, decision, run);
}

}  // namespace pointsman
