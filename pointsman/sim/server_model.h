#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/sim/prefix_cache.h"

namespace pointsman {

// Time since the start of the simulated world. Real time enters only through whoever calls.
using ModelTime = std::chrono::nanoseconds;

// What a simulated engine can do (spec/11 section 1). The defaults are a 70B-class model on eight
// GPUs: about 11,000 prefill tokens per second, 10.5 ms per token when idle, 45 ms while
// prefilling.
struct ServerParams {
  std::uint32_t chunk = 512;                  // tokens computed per step, at most
  std::uint32_t max_running = 64;             // requests in the batch, at most
  std::uint32_t block_tokens = 512;           // tokens per KV block
  std::uint32_t blocks = 2000;                // KV blocks
  std::chrono::duration<double> step{10e-3};  // of every step
  std::chrono::duration<double> per_prefill_token{1.0 / 16'000};
  std::chrono::duration<double> per_prefill_context{0.9e-9};  // per prefill token and its context
  std::chrono::duration<double> per_decode{0.1e-3};           // per decoding sequence
  std::chrono::duration<double> per_decode_context{10e-9};    // per context token of the decodes
};

// A request as the model sees it: no text, only how long it is and which blocks it shares.
struct ModelRequest {
  std::vector<std::uint64_t> blocks;  // chained hashes of the prompt's full blocks, first to last
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens = 0;
};

// One generated token. The first one ends the prefill, the last one the request.
struct TokenEvent {
  std::uint64_t request = 0;
  ModelTime at{};
  ModelTime admitted{};             // start of the step that took the request in
  std::uint32_t index = 0;          // 0 for the first token
  std::uint32_t cached_tokens = 0;  // of the prompt, taken from the prefix cache
  bool last = false;
};

// Gauges as an engine's metrics page shows them.
struct ModelLoad {
  std::uint32_t waiting = 0;  // requests not yet in a step
  std::uint32_t running = 0;
  double kv_usage = 0;  // blocks held by running requests, as a share of all
};

// One model server: continuous batching with chunked prefill, a paged KV cache and a prefix cache.
// A discrete-event model: it never reads a clock, and one long advance() gives the same events at
// the same times as many short ones.
//
// A step takes one token per decoding sequence, then chunks of the running prefills in order of
// admission, then admits waiting requests first come, first served, while tokens of the step's
// budget are left. A request is admitted when the blocks of its whole prompt and output can be
// reserved; the prefix found in the cache is shared and not computed again. Blocks become visible
// to others at the end of the step that completes them.
class ServerModel {
 public:
  explicit ServerModel(const ServerParams& params);

  // Queues a request that arrives at `now`, and gives the id its events carry. Fails with
  // bad_request when prompt or output is empty, or both need more blocks than the server has.
  // REQUIRES: `now` is not before any earlier `now`.
  Result<std::uint64_t> submit(ModelRequest request, ModelTime now);

  // Forgets a request whose client went away, at the time that advance() has reached; one that runs
  // leaves at the end of the step under way. Blocks that were computed stay in the cache. An id
  // that is not (or no longer) known is ignored.
  void cancel(std::uint64_t request);

  // When advance() has something to do; nothing while the server is idle.
  std::optional<ModelTime> next_event_time() const;

  // Runs the model up to and including `now` and appends the tokens made on the way, in order.
  void advance(ModelTime now, std::vector<TokenEvent>& out);

  // Loses every cached block, as a restarted engine does. Running requests keep what they hold.
  void clear_cache() { cache_.clear(); }

  ModelLoad load() const;
  bool is_waiting(std::uint64_t request) const;  // queued, and not yet in a step
  const ServerParams& params() const { return params_; }

 private:
  struct Sequence {
    std::uint64_t id = 0;
    ModelRequest request;
    ModelTime arrived{};
    ModelTime admitted{};
    PrefixCache::Lease lease{};
    std::uint32_t cached = 0;     // prompt tokens that need no computation
    std::uint32_t computed = 0;   // prompt tokens in the KV cache, cached ones included
    std::uint32_t produced = 0;   // output tokens
    std::uint32_t scheduled = 0;  // prompt tokens in the current step
    bool decoding = false;        // takes part in the current step with one output token
    bool cancelled = false;

    bool prefilled() const { return computed == request.prompt_tokens; }
    bool finished() const { return produced == request.output_tokens; }
  };

  void begin_step(ModelTime start);
  bool admit_next(ModelTime start);
  void finish_step(ModelTime at, std::vector<TokenEvent>& out);
  void compute(Sequence& sequence);
  std::chrono::nanoseconds step_time() const;

  ServerParams params_;
  PrefixCache cache_;
  std::deque<Sequence> waiting_;
  std::vector<Sequence> running_;      // in order of admission; not empty: a step is under way
  std::optional<ModelTime> step_end_;  // of the step under way
  ModelTime free_at_{};                // end of the latest step
  std::uint64_t next_id_ = 1;
};

}  // namespace pointsman
