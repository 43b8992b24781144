// What plugins say of a request around its decision: Pipeline's part of spec/03 sections 13 and 14.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/engine/error_text.h"
#include "pointsman/engine/pipeline.h"
#include "pointsman/engine/sample_families.h"

namespace pointsman {
namespace {

// Where the random sequences of a role's plugins begin; `at` is the plugin's place among them.
constexpr std::uint64_t kScreeners = 0xB5297A4D3F84D5B5U;
constexpr std::uint64_t kAdmitters = 0x68E31DA4C2B2AE35U;

Random sequence(std::uint64_t seed, std::uint64_t role, std::size_t at) {
  return Random(seed ^ (role * (2 * at + 1)));
}

}  // namespace

Result<void> Pipeline::arrive(Session& session, EngineWorker& worker) const {
  Request& request = session.request;
  const std::string_view fairness =
      request.header("x-llm-d-inference-fairness-id", "x-gateway-inference-fairness-id");
  for (const Part<ArrivalHook>& part : arrivals_) {
    const auto began = Clock::now();
    auto arrived = part.plugin->arrived(request, session.signals, session.upstream_edits);
    if (!arrived) return arrived;
    worker.shard.observe(part.timer, Clock::now() - began);
  }
  if (!fairness.empty()) {
    request.fairness_id = fairness;
  } else if (agent_) {
    const SessionId* const agent = session.signals.read(*agent_);
    if (agent != nullptr && !agent->id.empty()) request.fairness_id = agent->id;
  }
  return {};
}

// Nobody sees what the others say; the rest is whom all let stay.
Result<void> Pipeline::screen(std::span<EndpointIndex>& candidates, Session& session,
                              EngineWorker& worker) const {
  if (screeners_.empty()) return {};
  const Context context = context_of(session);
  const auto all_say = session.arena.array<bool>(candidates.size());
  const auto one_says = session.arena.array<bool>(candidates.size());
  std::ranges::fill(all_say, true);
  for (std::size_t s = 0; s < screeners_.size(); ++s) {
    const Part<Screener>& part = screeners_[s];
    std::ranges::fill(one_says, true);
    Samples samples;
    const auto began = Clock::now();
    part.plugin->screen(context, candidates, one_says,
                        sequence(session.decision->seed, kScreeners, s), samples);
    worker.shard.observe(part.timer, Clock::now() - began);
    observe_samples(samples, part.name, context.request, context.fleet, worker.shard);
    for (std::size_t i = 0; i < all_say.size(); ++i) all_say[i] = all_say[i] && one_says[i];
  }
  Candidates left(candidates, session.decision->drops);
  std::size_t next = 0;
  left.keep_if(DropReason::screened, [&](EndpointIndex) { return all_say[next++]; });
  candidates = candidates.first(left.size());
  if (!candidates.empty()) return {};
  return fail(Code::unavailable, "screeners eliminated all endpoint candidates",
              "rejected-no-endpoints");
}

Result<void> Pipeline::ask_admitters(const Context& context, Session& session,
                                     EngineWorker& worker) const {
  for (std::size_t a = 0; a < admitters_.size(); ++a) {
    const Part<Admitter>& part = admitters_[a];
    const auto began = Clock::now();
    const auto admitted = part.plugin->admit(context, session.candidates_,
                                             sequence(session.decision->seed, kAdmitters, a));
    worker.shard.observe(part.timer, Clock::now() - began);
    if (admitted) continue;
    const Error& why = admitted.error();
    return fail(why.code, "request cannot be admitted: " + why.message, why.drop_reason);
  }
  return {};
}

// All hooks run. One error that says what the client should hear is passed on as it is; others are
// faults of the plugins (spec/03 section 5.3).
Result<void> Pipeline::dispatch(const Context& context, Session& session,
                                EngineWorker& worker) const {
  session.dispatched_ = true;
  std::size_t failures = 0;
  Error last;
  std::string texts;
  for (const Part<Hook>& part : hooks_) {
    Samples samples;
    Effects effects{samples, session.upstream_edits};
    const auto began = Clock::now();
    auto done = part.plugin->dispatched(context, session.in_effect(), effects);
    worker.shard.observe(part.timer, Clock::now() - began);
    observe_samples(samples, part.name, context.request, context.fleet, worker.shard);
    if (done) continue;
    last = std::move(done).error();
    texts += (failures++ == 0 ? "PreRequest \"" : "\nPreRequest \"") + part.name.name + "/" +
             part.name.type +
             "\" failed: " + (last.code == Code::internal ? last.message : error_text(last));
  }
  if (failures == 0) return {};
  if (failures == 1 && last.code != Code::internal) return std::unexpected(std::move(last));
  return fail(Code::internal, std::move(texts));
}

}  // namespace pointsman
