#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/plain_vector.h"
#include "pointsman/model/fleet.h"
#include "pointsman/model/inputs.h"
#include "pointsman/model/names.h"

namespace pointsman {

// What a scorer reads, so that a decision can show the value and its age.
struct Reading {
  enum class From : std::uint8_t { nothing, load, adapters, signal };
  From from = From::nothing;
  Load load = Load::waiting;  // when From::load: the value stands in the Fleet
};

// The names behind the numbers of a decision: one pipeline's profiles. Immutable, shared by all
// decisions of that pipeline.
struct Plan {
  struct Filter {
    TypedName name;
  };
  struct Scorer {
    TypedName name;
    double weight = 1.0;
    Reading reading;
    std::string unit;  // of the recorded reading when From::signal, e.g. "cached tokens"
  };
  struct Profile {
    std::string name;
    std::vector<Filter> filters;
    std::vector<Scorer> scorers;
    TypedName picker;
  };
  std::vector<Profile> profiles;
  TypedName handler;
  // The port to which requests go in place of the picked endpoint's, see
  // ProfileHandler::target_port().
  std::optional<std::uint16_t> target_port;
};

// Why a filter dropped an endpoint.
enum class DropReason : std::uint8_t {
  none,
  not_ready,  // discovery says it cannot be reached
  subset,     // outside the gateway's subset hint
  label,      // its labels do not match
  saturated,  // over a queue or cache limit
  stale,      // its signals are too old
  other,
  session,         // the client's session is bound to another one
  topology,        // too far from the endpoint that serves another stage of the request
  attribute,       // an attribute is missing or beyond a limit
  prefix,          // it does not hold enough of the prompt, and others do
  headroom,        // it would miss the latency objective, and others would not; or drawn so
  context_length,  // it does not serve prompts of this length
  not_named,       // a request header names others
  no_model,        // it does not serve the request's model, and others do
  ejected,         // it has failed several times in a row of late, and others have not
  screened,        // a screener keeps requests, or this one, away from it
  full,            // it has as many requests of this router as it may have, and others have not
};
inline constexpr std::size_t kDropReasons = 18;
std::string_view text(DropReason reason);

struct Drop {
  EndpointIndex endpoint = 0;
  std::uint8_t filter = 0;  // index into Plan::Profile::filters; kBeforeFilters: before the first
  DropReason reason = DropReason::other;

  static constexpr std::uint8_t kBeforeFilters = 255;
};

// One run of one profile: ranges into the vectors of the Decision.
struct ProfileRun {
  std::uint16_t profile = 0;          // index into Plan::profiles
  bool failed = false;                // the filters left nothing
  std::uint32_t first_candidate = 0;  // survivors of the filters
  std::uint32_t candidates = 0;
  std::uint32_t first_drop = 0;
  std::uint32_t drops = 0;
  std::uint32_t first_score = 0;    // scorers x candidates, one row per scorer
  std::uint32_t first_reading = 0;  // like the scores
  std::uint32_t first_total = 0;    // one per candidate
  std::uint32_t first_pick = 0;
  std::uint32_t picks = 0;
  std::uint32_t ties = 0;  // candidates that share the best total
  Clock::time_point began, filtered, scored, picked;
};

// How it ended, joined when the response is over.
struct Outcome {
  enum class End : std::uint8_t {
    pending,
    finished,
    client_aborted,
    upstream_failed,
    rejected,
    proxy_closed,  // the proxy ended the transaction early and did not say why
  };
  static constexpr std::size_t kEnds = 6;
  End end = End::pending;
  int status = 0;             // of the model server, 0 when unknown
  std::int64_t ttft_ns = -1;  // -1: never
  std::int64_t duration_ns = -1;
  std::int64_t prompt_tokens = -1;
  std::int64_t output_tokens = -1;
  std::int64_t cached_tokens = -1;
  std::int32_t attempts = 1;
  std::string served_by;  // host:port when it differs from the pick
};

// The record of one scheduling decision: the whole matrix. Filled in place while the pipeline runs;
// spans, metrics, `why` and replay are views of it. Reused: reset() keeps the memory.
//
// Threading: owned by the request until it is put into the ring; from then on under the ring's
// lock.
struct Decision {
  std::uint64_t id = 0;  // shown as 16 hex digits; unique in the life of the process
  std::chrono::system_clock::time_point wall;
  Clock::time_point at;
  std::string request_id;
  std::string model;
  std::string target_model;
  std::size_t body_bytes = 0;
  int priority = 0;
  std::uint64_t seed = 0;  // of everything random about it

  std::shared_ptr<const Fleet> fleet;
  std::shared_ptr<const Plan> plan;

  std::vector<ProfileRun> runs;
  std::int32_t primary = -1;  // index into runs
  std::vector<EndpointIndex> candidates;
  std::vector<Drop> drops;
  PlainVector<double> scores;   // raw; NaN: no score
  PlainVector<float> readings;  // what scorers with Reading::From::signal read, NaN where missing
  std::vector<double> totals;   // sum of clamp(score) x weight
  std::vector<EndpointIndex> picks;
  std::string error;  // the message when nothing was picked
  Clock::time_point done;
  bool matrix_wanted = false;                 // as an event of the picker's span
  Inputs inputs;                              // for the record; empty when nobody records
  std::int64_t predicted_cached_tokens = -1;  // at the pick; -1: nobody knows
  Outcome outcome;

  void reset();

  // Views of one run.
  std::span<const EndpointIndex> candidates_of(const ProfileRun& run) const;
  std::span<const Drop> drops_of(const ProfileRun& run) const;
  std::span<const double> scores_of(const ProfileRun& run, std::size_t scorer) const;
  // Empty when that scorer's readings are not recorded.
  std::span<const float> readings_of(const ProfileRun& run, std::size_t scorer) const;
  std::span<const double> totals_of(const ProfileRun& run) const;
  std::span<const EndpointIndex> picks_of(const ProfileRun& run) const;

  // The endpoints the request may go to, best first; empty when nothing was picked.
  std::span<const EndpointIndex> targets() const;
  // The port of such an endpoint to which the request goes.
  std::uint16_t port_of(EndpointIndex target) const {
    return plan->target_port.value_or((*fleet)[target].port);
  }
};

// A score as it counts: clamped to [0, 1], NaN and negatives 0.
inline double counted(double score) {
  return score > 0.0 ? (score < 1.0 ? score : 1.0) : 0.0;
}

// "0123456789abcdef"
std::string decision_id_text(std::uint64_t id);

// Makes the ids of one process: they start at a random number, so that a restart never repeats one.
// Threading: any thread.
std::uint64_t next_decision_id();

}  // namespace pointsman
