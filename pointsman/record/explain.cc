#include "pointsman/record/explain.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace pointsman {
namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  const bool whole = value == std::floor(value) && std::abs(value) < 1e9;
  std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.3g", value);
  return text.data();
}

// The position of a picked endpoint among the candidates.
std::optional<std::size_t> position(std::span<const EndpointIndex> candidates, EndpointIndex e) {
  const auto at = std::ranges::find(candidates, e);
  if (at == candidates.end()) return std::nullopt;
  return static_cast<std::size_t>(at - candidates.begin());
}

std::optional<std::size_t> best_but(std::span<const double> totals, std::size_t pick) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (i != pick && (!best || totals[i] > totals[*best])) best = i;
  }
  return best;
}

// Who would win without one scorer's contributions, in closed form: totals less what it gave.
void weigh_without(const Decision& d, const ProfileRun& run, std::size_t scorer, double weight,
                   std::size_t pick, Voice& voice) {
  const auto totals = d.totals_of(run);
  const auto raw = d.scores_of(run, scorer);
  const auto rest = [&](std::size_t i) { return totals[i] - counted(raw[i]) * weight; };
  voice.without = pick;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (rest(i) > rest(voice.without)) voice.without = i;
  }
  bool first = true;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (i == voice.without) continue;
    const double by = rest(voice.without) - rest(i);
    voice.without_by = first ? by : std::min(voice.without_by, by);
    first = false;
  }
}

// The oldest value that told the pick and the runner-up apart.
std::optional<Explanation::Stalest> stalest(const Decision& d, const ProfileRun& run,
                                            const Explanation& e) {
  std::optional<Explanation::Stalest> oldest;
  for (std::size_t s = 0; s < e.voices.size(); ++s) {
    if (e.voices[s].lead == 0) continue;
    for (const std::size_t candidate : {e.pick, *e.runner_up}) {
      const auto age = reading_age_ms(d, run, s, candidate);
      if (age && (!oldest || *age > oldest->age_ms)) oldest = {s, candidate, *age};
    }
  }
  return oldest;
}

std::string sentence(const Decision& d, const ProfileRun& run, const Plan::Profile& profile,
                     const Explanation& e) {
  const auto candidates = d.candidates_of(run);
  const auto name = [&](std::size_t i) { return (*d.fleet)[candidates[i]].name; };
  const std::string dropped =
      run.drops == 0 ? "" : "; filters dropped " + std::to_string(run.drops);
  if (!e.runner_up) return name(e.pick) + " was the only candidate" + dropped + ".";
  const std::string other = name(*e.runner_up);
  if (e.margin < 0) {
    return name(e.pick) + " was drawn by " + profile.picker.name + " although " + other +
           " had the higher total.";
  }
  if (!e.decider || run.ties > 1) {
    return name(e.pick) + " won a tie of " + std::to_string(std::max(run.ties, 2U)) +
           " at random; no scorer told them apart.";
  }
  const Plan::Scorer& decider = profile.scorers[*e.decider];
  const std::string mine = reading_text(d, run, *e.decider, e.pick);
  const std::string theirs = reading_text(d, run, *e.decider, *e.runner_up);
  std::string out = decider.name.name + " decided for " + name(e.pick) + ": ";
  if (!mine.empty() || !theirs.empty()) {
    out += (mine.empty() ? "no signal" : mine) + " against " +
           (theirs.empty() ? "no signal" : theirs) + " at the runner-up " + other;
  } else {
    out += "it leads the runner-up " + other;
  }
  out += " (+" + number(e.voices[*e.decider].lead) + " of a margin of " + number(e.margin) + ")";
  for (std::size_t s = 0; s < e.voices.size(); ++s) {
    if (!e.voices[s].opposed()) continue;
    out += "; " + profile.scorers[s].name.name + " spoke for " + other + " (" +
           number(e.voices[s].lead) + ")";
  }
  const Voice& voice = e.voices[*e.decider];
  if (!e.pivotal) {
    return out + ". Without it " + name(e.pick) +
           (voice.without_by > 0 ? " would win all the same." : " would share the best total.");
  }
  const std::string by = voice.without_by > 0 ? " would win by " + number(voice.without_by)
                                              : " would share the best total";
  return out + ". Without it " + name(voice.without) + by + ".";
}

}  // namespace

std::optional<Explanation> explain(const Decision& decision) {
  if (decision.targets().empty()) return std::nullopt;
  const ProfileRun& run = decision.runs[static_cast<std::size_t>(decision.primary)];
  const Plan::Profile& profile = decision.plan->profiles[run.profile];
  const auto totals = decision.totals_of(run);
  const auto pick = position(decision.candidates_of(run), decision.targets()[0]);
  if (!pick) return std::nullopt;

  Explanation e{.pick = *pick, .runner_up = best_but(totals, *pick)};
  if (e.runner_up) {
    e.margin = totals[*pick] - totals[*e.runner_up];
    for (std::size_t s = 0; s < profile.scorers.size(); ++s) {
      const auto raw = decision.scores_of(run, s);
      const double weight = profile.scorers[s].weight;
      Voice voice{.lead = (counted(raw[*pick]) - counted(raw[*e.runner_up])) * weight};
      weigh_without(decision, run, s, weight, *pick, voice);
      e.voices.push_back(voice);
    }
    if (e.margin > 0 && !e.voices.empty()) {
      const auto decider = std::ranges::max_element(e.voices, {}, &Voice::lead);
      e.decider = static_cast<std::size_t>(decider - e.voices.begin());
      e.pivotal = decider->without != *pick;
    }
    e.stalest = stalest(decision, run, e);
  }
  e.sentence = sentence(decision, run, profile, e);
  return e;
}

std::string reading_text(const Decision& decision, const ProfileRun& run, std::size_t scorer,
                         std::size_t candidate) {
  const Plan::Scorer& plan = decision.plan->profiles[run.profile].scorers[scorer];
  const EndpointIndex e = decision.candidates_of(run)[candidate];
  switch (plan.reading.from) {
    case Reading::From::load: {
      const double value = decision.fleet->load(plan.reading.load).value[e];
      if (std::isnan(value)) return {};
      if (plan.reading.load == Load::waiting) return number(value) + " waiting";
      if (plan.reading.load == Load::running) return number(value) + " running";
      return number(value * 100) + " % KV used";
    }
    case Reading::From::adapters: {
      const AdapterTable& adapters = decision.fleet->adapters();
      return std::to_string(adapters.active(e).size()) + " of " + std::to_string(adapters.room(e)) +
             " adapters";
    }
    case Reading::From::signal: {
      const float value = decision.readings_of(run, scorer)[candidate];
      if (std::isnan(value)) return {};
      return number(value) + (plan.unit.empty() ? "" : " " + plan.unit);
    }
    case Reading::From::nothing:
      return {};
  }
  return {};
}

std::optional<double> reading_age_ms(const Decision& decision, const ProfileRun& run,
                                     std::size_t scorer, std::size_t candidate) {
  const Plan::Scorer& plan = decision.plan->profiles[run.profile].scorers[scorer];
  const EndpointIndex e = decision.candidates_of(run)[candidate];
  Clock::time_point at{};
  if (plan.reading.from == Reading::From::load) at = decision.fleet->load(plan.reading.load).at[e];
  if (plan.reading.from == Reading::From::adapters) at = decision.fleet->adapters_at()[e];
  if (at == Clock::time_point{}) return std::nullopt;
  return std::chrono::duration<double, std::milli>(decision.at - at).count();
}

}  // namespace pointsman
