#include "pointsman/record/decision_json.h"

#include <array>
#include <chrono>
#include <ctime>
#include <span>
#include <string_view>
#include <utility>

#include "pointsman/record/decision_facts.h"
#include "pointsman/record/explain.h"
#include "pointsman/record/json_writer.h"

namespace pointsman {
namespace {

// 2026-11-22T08:00:00.123Z
std::string rfc3339(std::chrono::system_clock::time_point at) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
  const std::time_t seconds = ms.count() / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t used = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string out(text.data(), used);
  const std::string fraction = std::to_string(1000 + ms.count() % 1000);
  return out + "." + fraction.substr(1) + "Z";
}

double micros(Clock::duration d) {
  return std::chrono::duration<double, std::micro>(d).count();
}
double millis(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

void write_candidate(JsonWriter& json, const Decision& d, const ProfileRun& run, std::size_t i) {
  const Plan::Profile& profile = d.plan->profiles[run.profile];
  const Endpoint& endpoint = (*d.fleet)[d.candidates_of(run)[i]];
  const double total = d.totals_of(run)[i];
  json.open('{')
      .field("endpoint", endpoint.id)
      .field("address", endpoint.host_port)
      .field("total", total)
      .key("scores")
      .open('[');
  for (std::size_t s = 0; s < profile.scorers.size(); ++s) {
    const double raw = d.scores_of(run, s)[i];
    const double weighted = counted(raw) * profile.scorers[s].weight;
    json.open('{')
        .field("scorer", profile.scorers[s].name.name)
        .field("raw", raw)
        .field("weighted", weighted);
    if (total > 0) json.field("share_percent", 100 * weighted / total);
    if (const auto seen = reading_text(d, run, s, i); !seen.empty()) json.field("signal", seen);
    if (const auto age = reading_age_ms(d, run, s, i)) json.field("age_ms", *age);
    json.close('}');
  }
  json.close(']').close('}');
}

void write_drops(JsonWriter& json, const Decision& d, std::span<const Drop> drops,
                 const Plan::Profile* profile) {
  json.open('[');
  for (const Drop& drop : drops) {
    const bool before = drop.filter == Drop::kBeforeFilters || profile == nullptr;
    json.open('{')
        .field("endpoint", (*d.fleet)[drop.endpoint].id)
        .field("filter", before ? std::string("(before the filters)")
                                : profile->filters[drop.filter].name.name)
        .field("reason", pointsman::text(drop.reason))
        .close('}');
  }
  json.close(']');
}

void write_run(JsonWriter& json, const Decision& d, std::size_t index) {
  const ProfileRun& run = d.runs[index];
  const Plan::Profile& profile = d.plan->profiles[run.profile];
  json.open('{')
      .field("profile", profile.name)
      .field("primary", static_cast<std::int32_t>(index) == d.primary)
      .field("failed", run.failed)
      .field("picker", profile.picker.name)
      .field("ties", static_cast<std::size_t>(run.ties));
  json.key("scorers").open('[');
  for (const Plan::Scorer& scorer : profile.scorers) {
    json.open('{')
        .field("name", scorer.name.name)
        .field("type", scorer.name.type)
        .field("weight", scorer.weight)
        .close('}');
  }
  json.close(']').key("candidates").open('[');
  if (!run.failed) {
    for (std::size_t i = 0; i < run.candidates; ++i) write_candidate(json, d, run, i);
  }
  json.close(']').key("dropped");
  write_drops(json, d, d.drops_of(run), &profile);
  json.key("picked").open('[');
  for (const EndpointIndex e : d.picks_of(run)) json.value((*d.fleet)[e].id);
  json.close(']');
  if (!run.failed) {
    json.key("timings_us")
        .open('{')
        .field("filter", micros(run.filtered - run.began))
        .field("score", micros(run.scored - run.filtered))
        .field("pick", micros(run.picked - run.scored))
        .close('}');
  }
  json.close('}');
}

void write_outcome(JsonWriter& json, const Outcome& outcome) {
  json.open('{').field("end", text(outcome.end)).field("attempts", outcome.attempts);
  if (outcome.status != 0) json.field("status", outcome.status);
  if (outcome.ttft_ns >= 0) json.field("ttft_ms", millis(outcome.ttft_ns));
  if (outcome.duration_ns >= 0) json.field("duration_ms", millis(outcome.duration_ns));
  if (outcome.prompt_tokens >= 0) json.field("prompt_tokens", outcome.prompt_tokens);
  if (outcome.output_tokens >= 0) json.field("output_tokens", outcome.output_tokens);
  if (outcome.cached_tokens >= 0) json.field("cached_tokens", outcome.cached_tokens);
  if (!outcome.served_by.empty()) json.field("served_by", outcome.served_by);
  json.close('}');
}

// Each scorer's part: its lead, and who would win without it.
void write_pivot(JsonWriter& json, const Decision& d, const ProfileRun& run,
                 const Explanation& why) {
  const auto& scorers = d.plan->profiles[run.profile].scorers;
  const auto id = [&](std::size_t candidate) -> const std::string& {
    return (*d.fleet)[d.candidates_of(run)[candidate]].id;
  };
  json.key("pivot").open('[');
  for (std::size_t s = 0; s < why.voices.size(); ++s) {
    const Voice& voice = why.voices[s];
    json.open('{')
        .field("scorer", scorers[s].name.name)
        .field("lead", voice.lead)
        .field("without", id(voice.without))
        .field("by", voice.without_by)
        .field("decides", voice.without != why.pick)
        .field("opposed", voice.opposed())
        .close('}');
  }
  json.close(']');
  if (!why.stalest) return;
  json.key("stalest")
      .open('{')
      .field("scorer", scorers[why.stalest->scorer].name.name)
      .field("endpoint", id(why.stalest->candidate))
      .field("signal", reading_text(d, run, why.stalest->scorer, why.stalest->candidate))
      .field("age_ms", why.stalest->age_ms)
      .close('}');
}

// What was believed to be cached at the pick, and what the server found.
void write_cache(JsonWriter& json, const Decision& d, const Outcome& outcome) {
  if (d.predicted_cached_tokens < 0 && outcome.cached_tokens < 0) return;
  json.key("cache").open('{');
  if (d.predicted_cached_tokens >= 0) json.field("predicted_tokens", d.predicted_cached_tokens);
  if (outcome.cached_tokens >= 0) json.field("observed_tokens", outcome.cached_tokens);
  json.close('}');
}

void write_head(JsonWriter& json, const Decision& d) {
  json.open('{')
      .field("id", decision_id_text(d.id))
      .field("time", rfc3339(d.wall))
      .field("request_id", d.request_id)
      .field("model", d.model);
  if (d.target_model != d.model) json.field("target_model", d.target_model);
  json.field("body_bytes", d.body_bytes).field("priority", d.priority);
  if (!d.targets().empty()) {
    const Endpoint& endpoint = (*d.fleet)[d.targets()[0]];
    json.field("endpoint", endpoint.id).field("address", endpoint.host_port);
  }
  if (!d.error.empty()) json.field("error", d.error);
}

// The models that the endpoint has told, if it has.
void write_models(JsonWriter& json, const Fleet& fleet, EndpointIndex e) {
  const ModelTable* const models = fleet.models().get();
  if (models == nullptr || models->known[e] == 0) return;
  json.key("models").open('[');
  for (const ModelTable::Model& model : models->models) {
    if (model.served[e] != 0) json.value(model.name);
  }
  json.close(']');
}

}  // namespace

std::string decision_json(const Decision& d, const Outcome& outcome) {
  JsonWriter json;
  write_head(json, d);
  if (const auto why = explain(d)) {
    json.field("explanation", why->sentence);
    if (why->runner_up) {
      const ProfileRun& run = d.runs[static_cast<std::size_t>(d.primary)];
      json.field("runner_up", (*d.fleet)[d.candidates_of(run)[*why->runner_up]].id)
          .field("margin", why->margin);
      write_pivot(json, d, run, *why);
    }
  }
  write_cache(json, d, outcome);
  json.field("seed", decision_id_text(d.seed)).field("handler", d.plan->handler.name);
  const std::size_t before = d.runs.empty() ? d.drops.size() : d.runs[0].first_drop;
  json.key("not_considered");
  write_drops(json, d, std::span(d.drops).first(before), nullptr);
  json.key("runs").open('[');
  for (std::size_t i = 0; i < d.runs.size(); ++i) write_run(json, d, i);
  json.close(']').key("outcome");
  write_outcome(json, outcome);
  json.close('}');
  return json.take();
}

std::string decision_summary_json(const Decision& d, const Outcome& outcome) {
  JsonWriter json;
  write_head(json, d);
  if (const auto why = explain(d)) json.field("explanation", why->sentence);
  json.key("outcome");
  write_outcome(json, outcome);
  json.close('}');
  return json.take();
}

std::string fleet_json(const Fleet& fleet, Clock::time_point now, const EndpointGates& gates) {
  constexpr std::array<std::pair<std::string_view, Load>, 5> kSignals{
      {{"waiting", Load::waiting},
       {"running", Load::running},
       {"kv_usage", Load::kv_usage},
       {"block_size", Load::block_size},
       {"num_blocks", Load::num_blocks}}};
  JsonWriter json;
  json.open('{').key("endpoints").open('[');
  for (EndpointIndex e = 0; e < fleet.size(); ++e) {
    const Endpoint& endpoint = fleet[e];
    json.open('{')
        .field("id", endpoint.id)
        .field("host", endpoint.host)
        .field("address", endpoint.host_port)
        .field("ready", fleet.ready(e))
        .key("labels")
        .open('{');
    for (const auto& [key, value] : endpoint.labels) json.field(key, value);
    json.close('}').key("signals").open('{');
    for (const auto& [name, load] : kSignals) {
      const LoadColumn& column = fleet.load(load);
      if (column.at[e] == Clock::time_point{}) continue;
      json.key(name)
          .open('{')
          .field("value", column.value[e])
          .field("age_ms", micros(now - column.at[e]) / 1000)
          .close('}');
    }
    json.close('}');
    write_models(json, fleet, e);
    for (const EndpointGate* const gate : gates) {
      const auto seen = gate->trouble(endpoint.key, now);
      if (!seen) continue;
      json.key("trouble")
          .open('{')
          .field("failures", std::size_t{seen->failures})
          .field("ejections", std::size_t{seen->ejections})
          .field("ejected", seen->out_for.count() > 0)
          .field("returns_in_ms", micros(seen->out_for) / 1000)
          .close('}');
      break;
    }
    json.close('}');
  }
  json.close(']').close('}');
  return json.take();
}

}  // namespace pointsman
