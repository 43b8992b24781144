#include "pointsman/record/decision_facts.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "pointsman/record/explain.h"
#include "pointsman/record/json_writer.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, kFacts> kNames{"endpoint",      "model",
                                                      "target_model",  "request_id",
                                                      "end",           "error",
                                                      "decider",       "served_by",
                                                      "status",        "margin",
                                                      "ties",          "candidates",
                                                      "dropped",       "priority",
                                                      "attempts",      "body_bytes",
                                                      "ttft_ms",       "duration_ms",
                                                      "prompt_tokens", "output_tokens",
                                                      "cached_tokens", "predicted_cached_tokens",
                                                      "schedule_us"};

// A count that is -1 when nobody knows it.
double known(std::int64_t value, double unit = 1.0) {
  return value < 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(value) / unit;
}

}  // namespace

std::string_view name(Fact fact) {
  return kNames.at(static_cast<std::size_t>(fact));
}

std::span<const std::string_view> fact_names() {
  return kNames;
}

std::optional<Fact> fact_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Fact>(found - kNames.begin());
}

std::string_view text(Outcome::End end) {
  static constexpr std::array<std::string_view, Outcome::kEnds> kTexts{
      "pending", "finished", "client_aborted", "upstream_failed", "rejected", "proxy_closed"};
  return kTexts.at(static_cast<std::size_t>(end));
}

DecisionFacts facts_of(const Decision& d, const Outcome& outcome) {
  DecisionFacts facts;
  facts.numbers.fill(std::numeric_limits<double>::quiet_NaN());
  const auto text_of = [&](Fact fact) -> std::string& {
    return facts.texts[static_cast<std::size_t>(fact)];
  };
  const auto number_of = [&](Fact fact) -> double& {
    return facts.numbers[static_cast<std::size_t>(fact)];
  };
  facts.id = decision_id_text(d.id);
  text_of(Fact::model) = d.model;
  text_of(Fact::target_model) = d.target_model;
  text_of(Fact::request_id) = d.request_id;
  text_of(Fact::end) = text(outcome.end);
  text_of(Fact::error) = d.error;
  text_of(Fact::served_by) = outcome.served_by;
  if (!d.targets().empty()) {
    const Endpoint& endpoint = (*d.fleet)[d.targets()[0]];
    text_of(Fact::endpoint) = endpoint.id;
    if (outcome.served_by.empty()) text_of(Fact::served_by) = endpoint.host_port;
  }
  if (const auto why = explain(d)) {
    const ProfileRun& run = d.runs[static_cast<std::size_t>(d.primary)];
    facts.sentence = why->sentence;
    if (why->decider) {
      text_of(Fact::decider) = d.plan->profiles[run.profile].scorers[*why->decider].name.name;
    }
    if (why->runner_up) number_of(Fact::margin) = why->margin;
    number_of(Fact::ties) = run.ties;
    number_of(Fact::candidates) = run.candidates;
  }
  if (outcome.status != 0) number_of(Fact::status) = outcome.status;
  number_of(Fact::dropped) = static_cast<double>(d.drops.size());
  number_of(Fact::priority) = d.priority;
  number_of(Fact::attempts) = outcome.attempts;
  number_of(Fact::body_bytes) = static_cast<double>(d.body_bytes);
  number_of(Fact::ttft_ms) = known(outcome.ttft_ns, 1e6);
  number_of(Fact::duration_ms) = known(outcome.duration_ns, 1e6);
  number_of(Fact::prompt_tokens) = known(outcome.prompt_tokens);
  number_of(Fact::output_tokens) = known(outcome.output_tokens);
  number_of(Fact::cached_tokens) = known(outcome.cached_tokens);
  number_of(Fact::predicted_cached_tokens) = known(d.predicted_cached_tokens);
  if (d.done > d.at) {
    number_of(Fact::schedule_us) = std::chrono::duration<double, std::micro>(d.done - d.at).count();
  }
  return facts;
}

std::string to_json(const DecisionFacts& facts) {
  JsonWriter json;
  json.open('{').field("id", facts.id);
  for (std::size_t i = 0; i < kFacts; ++i) {
    const auto fact = static_cast<Fact>(i);
    if (is_text(fact)) {
      if (!facts.text(fact).empty()) json.field(name(fact), facts.text(fact));
    } else if (!std::isnan(facts.number(fact))) {
      json.field(name(fact), facts.number(fact));
    }
  }
  if (!facts.sentence.empty()) json.field("explanation", facts.sentence);
  json.close('}');
  return json.take();
}

}  // namespace pointsman
