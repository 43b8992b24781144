// What a response tells the metrics and the decision: Pipeline's second half (spec/03 section 9,
// spec/07 section 5.3).

#include <exception>
#include <string_view>
#include <utility>

#include "pointsman/base/client_text.h"
#include "pointsman/base/text.h"
#include "pointsman/engine/pipeline.h"
#include "pointsman/engine/request_labels.h"
#include "pointsman/engine/request_log.h"
#include "pointsman/engine/sample_families.h"

namespace pointsman {
namespace {

bool set(Clock::time_point at) {
  return at != Clock::time_point{};
}

double seconds(Clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

// The end-of-stream samples, in the reference's order.
void observe_end(const Session& session, Clock::time_point now, MetricShard& shard) {
  const Request& request = session.request;
  const Session::Response& response = session.response;
  const RequestLabels labels(request);
  const double total = seconds(now - request.received);
  const auto tokens = static_cast<double>(response.progress.usage.output);
  const bool streaming = response.sse || request.stream;
  if (tokens > 0) shard.observe(labels.of(shard, metric::kNtpot), total / tokens);
  shard.observe(labels.of(shard, metric::kRequestDuration), total);
  shard.observe(labels.of(shard, metric::kResponseSize), static_cast<double>(response.bytes));
  if (!set(response.first)) return;
  const double ttft = seconds(response.first - request.received);
  shard.observe(labels.of(shard, metric::kTtft, streaming ? "true" : "false"), ttft);
  if (streaming && tokens > 1) {
    shard.observe(labels.of(shard, metric::kStreamingTpot), (total - ttft) / (tokens - 1));
  }
}

void observe_usage(const Session& session, MetricShard& shard) {
  const Usage& usage = session.response.progress.usage;
  const RequestLabels labels(session.request);
  const auto observe = [&](const auto& family, std::int64_t tokens) {
    shard.observe(labels.of(shard, family), static_cast<double>(tokens));
  };
  if (usage.prompt > 0) observe(metric::kInputTokens, usage.prompt);
  if (usage.output > 0) observe(metric::kOutputTokens, usage.output);
  if (usage.cached >= 0) observe(metric::kCachedTokens, usage.cached);
}

// The first choice, as host:port.
std::string picked(const Decision& decision) {
  const auto targets = decision.targets();
  if (targets.empty()) return {};
  return (*decision.fleet)[targets[0]].host_and(decision.port_of(targets[0]));
}

std::string_view why(Outcome::End end) {
  switch (end) {
    case Outcome::End::client_aborted:
      return "aborted by client";
    case Outcome::End::upstream_failed:
      return "closed by the model server or the proxy";
    case Outcome::End::pending:
      return "closed by proxy";
    case Outcome::End::finished:
    case Outcome::End::proxy_closed:
    case Outcome::End::rejected:
      return {};
  }
  return {};
}

}  // namespace

void Pipeline::sent(Session& session, EngineWorker& worker) const {
  if (session.request.model.empty() || session.response.running) return;
  session.response.running = true;
  worker.shard.add(RequestLabels(session.request).of(worker.shard, metric::kRequestRunning), 1.0);
}

void Pipeline::adopt(Session& session) const {
  if (session.parser != nullptr) return;
  const auto parser = assembly_.parsers.resolve(session.request.path);
  if (parser) session.parser = *parser;
}

void Pipeline::retried(Session& session, const Outcome& so_far) const {
  recorder_.join(session.decision, so_far);
}

void Pipeline::rerouted(Session& session, EndpointIndex to, EngineWorker& worker) const {
  if (session.decision == nullptr || session.decision->primary < 0) return;
  const bool told = session.dispatched_;
  tell_finished(session, worker);
  // The decision itself is for others to see by now.
  auto changed = std::make_unique<Decision>(session.in_effect());
  const ProfileRun& run = changed->runs[static_cast<std::size_t>(changed->primary)];
  if (run.picks > 0) changed->picks[run.first_pick] = to;
  session.rerouted_ = std::move(changed);
  if (!told) return;
  try {
    (void)dispatch(context_of(session), session, worker);  // nor does an error hold it
  } catch (...) {                                          // the request goes on
    session.root.exception(std::current_exception());
  }
}

void Pipeline::tell(Moment moment, const ResponseHooks& hooks, Session& session,
                    EngineWorker& worker) const {
  if (!session.dispatched_ || hooks.empty()) return;
  const Fleet& fleet = *session.decision->fleet;
  const Context context{session.request, fleet, session.signals, session.trace, Clock::now()};
  const Session::Response& response = session.response;
  const Answer answer{.status = response.status,
                      .usage = response.progress.usage,
                      .whole = response.complete,
                      .served = response.served,
                      .proxy_tells = response.proxy_tells};
  auto began = context.now;
  for (const auto& each : hooks) {
    Samples samples;
    Effects effects{samples, session.client_edits, &session.proxy_metadata};
    try {
      ((*each.plugin).*moment)(context, session.in_effect(), answer, effects);
    } catch (...) {  // the answer goes on; the others are told
      session.root.exception(std::current_exception());
    }
    const auto done = Clock::now();
    worker.shard.observe(each.timer, done - began);
    began = done;
    observe_samples(samples, each.name, session.request, fleet, worker.shard);
  }
}

void Pipeline::tell_finished(Session& session, EngineWorker& worker) const {
  tell(&ResponseHook::finished, body_hooks_, session, worker);
  session.dispatched_ = false;
}

void Pipeline::response_started(Session& session, int status, std::string_view content_type,
                                EngineWorker& worker) const {
  Session::Response& response = session.response;
  response.status = status;
  response.sse = contains_any_case(content_type, "text/event-stream");
  response.began = Clock::now();
  tell(&ResponseHook::answered, head_hooks_, session, worker);
  response.processing = Clock::now() - response.began;
}

void Pipeline::response_chunk(Session& session, std::string_view chunk, bool end,
                              EngineWorker& worker) const {
  Session::Response& response = session.response;
  if (response.complete) return;
  const auto began = Clock::now();
  auto reading = began;  // later, if plugins were told something first
  response.bytes += chunk.size();
  const bool streaming = response.sse || session.request.stream;
  if (!chunk.empty()) {
    if (!set(response.first)) {
      response.first = began;
      response.gap = RequestLabels(session.request).of(worker.shard, metric::kStreamingItl);
      tell(&ResponseHook::first_bytes, body_hooks_, session, worker);
      reading = Clock::now();
    } else if (streaming) {
      worker.shard.observe(response.gap, began - response.last);
    }
    response.last = began;
  }
  if (session.parser != nullptr && (!chunk.empty() || end)) {
    session.parser->read(chunk, response.sse, end, response.progress);
    const auto read = Clock::now();
    worker.shard.observe(timers_of(session.parser).response, read - reading);
    response.processing += read - began;
  }
  if (!end) return;
  response.complete = true;
  const auto ending = Clock::now();
  tell_finished(session, worker);
  if (session.parser != nullptr) {  // otherwise no inference request: nothing to account to
    observe_usage(session, worker.shard);
    observe_end(session, ending, worker.shard);
  }
  const auto now = Clock::now();
  // An answer that is not streamed counts from its head to its end (spec/03 section 3.9).
  response.processing = streaming || !set(response.began) ? response.processing + (now - ending)
                                                          : now - response.began;
}

void Pipeline::finish(Session& session, Outcome::End end, EngineWorker& worker) const {
  Session::Response& response = session.response;
  tell_finished(session, worker);
  // What the model server has counted was used, whether or not its client stayed for the end.
  if (!response.complete && session.parser != nullptr) observe_usage(session, worker.shard);
  const RequestLabels labels(session.request);
  if (response.running) {
    response.running = false;
    worker.shard.add(labels.of(worker.shard, metric::kRequestRunning), -1.0);
  }
  const bool server_error =
      response.status != 0 && (response.status < 200 || response.status > 299);
  const std::string_view code = server_error ? "ModelServerError" : session.failure.code;
  if (!code.empty()) {
    worker.shard.add(labels.of(worker.shard, metric::kRequestErrors, code));
  }
  if (response.processing.count() > 0) {
    worker.shard.observe(worker.response_processing, response.processing);
  }
  if (session.decision != nullptr && session.decision->outcome.end == Outcome::End::pending) {
    const auto now = Clock::now();
    const Usage& usage = response.progress.usage;
    const auto since = [&](Clock::time_point at) -> std::int64_t {
      return set(at) ? (at - session.request.received).count() : -1;
    };
    Outcome outcome = session.decision->outcome;
    outcome.end = end == Outcome::End::pending ? Outcome::End::proxy_closed : end;
    outcome.status = response.status;
    outcome.ttft_ns = since(response.first);
    outcome.duration_ns = since(now);
    outcome.prompt_tokens = usage.prompt;
    outcome.output_tokens = usage.output;
    outcome.cached_tokens = usage.cached;
    const std::string_view served = response.served.value_or("");
    if (!served.empty() && served != picked(*session.decision)) {
      outcome.served_by = clipped(served);
    }
    recorder_.join(session.decision, outcome);
  }
  if (session.root.recording()) {
    session.kept_by =
        options_.keep.why(session.decision.get(), session.failure.code, worker.random);
    if (!session.kept_by.empty()) {
      worker.shard.add(worker.shard.with(metric::kTracesKept, session.kept_by));
      session.root.set("pointsman.kept_by", session.kept_by);
    }
    if (server_error && session.failure.code.empty()) session.root.error("ModelServerError");
    if (!session.request.target_model.empty()) {
      session.root.set("gen_ai.request.model", session.request.target_model);
    }
    session.root.set("gen_ai.request.id", session.request.id);
    if (session.decision != nullptr && !session.decision->targets().empty()) {
      session.root.set("pointsman.endpoint",
                       (*session.decision->fleet)[session.in_effect().targets()[0]].id);
      session.root.set("pointsman.decision", decision_id_text(session.decision->id));
    }
    if (response.status != 0) session.root.set("http.response.status_code", response.status);
    if (const auto reason = why(end); !reason.empty()) session.root.set("pointsman.end", reason);
  }
  session.root.end();
  if (options_.log != nullptr) log_request(*options_.log, session, end);
}

}  // namespace pointsman
