#include "pointsman/engine/pipeline.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "pointsman/base/client_text.h"
#include "pointsman/engine/candidates.h"
#include "pointsman/engine/error_text.h"
#include "pointsman/engine/request_id.h"
#include "pointsman/engine/request_labels.h"
#include "pointsman/stage/inputs.h"
#include "pointsman/stage/predicted_prefix.h"

namespace pointsman {
namespace {

constexpr std::string_view kTypedError = "github.com/llm-d/llm-d-router/pkg/common/error.Error";
constexpr std::string_view kDefaultFairness = "default-flow";

}  // namespace

Pipeline::Pipeline(Assembly assembly, Metrics& metrics, Recorder& recorder, Options options)
    : assembly_(std::move(assembly)), recorder_(recorder), options_(std::move(options)) {
  for (const ParserTable::Entry& entry : assembly_.parsers.parsers()) {
    read_by_.push_back({.parser = entry.parser.get(),
                        .request = plugin_timer(metrics, "RequestParsing", entry.name),
                        .response = plugin_timer(metrics, "ResponseParsing", entry.name)});
  }
  for (const Instance* instance : assembly_.producers) {
    producers_.push_back({.name = instance->name,
                          .producer = instance->producer,
                          .preparer = instance->preparer,
                          .timer = plugin_timer(metrics, "DataProducer", instance->name)});
  }
  for (const auto& instance : assembly_.plugins->all()) {
    for (const Declaration& d : instance->declarations) {
      if (d.access == Declaration::Access::produces &&
          d.key.type == "PrefixCacheMatchInfoDataKey") {
        matches_.push_back({*assembly_.plugins->signals().find(d.key)});
      }
    }
    const auto add = [&](auto& parts, const auto& plugin, std::string_view point) {
      if (plugin == nullptr) return;
      parts.push_back({instance->name, plugin, plugin_timer(metrics, point, instance->name)});
    };
    add(arrivals_, instance->arrival_hook, "RequestHeader");
    add(screeners_, instance->screener, "Screener");
    add(admitters_, instance->admitter, "Admission");
    add(hooks_, instance->hook, "PreRequest");
    if (instance->hears_head) add(head_hooks_, instance->response_hook, "ResponseReceived");
    if (instance->hears_body) add(body_hooks_, instance->response_hook, "ResponseStreaming");
  }
  const SignalColumn* const agent =
      assembly_.plugins->signals().column({std::string(kAgentIdentityKey), ""});
  if (agent != nullptr && !agent->per_endpoint && agent->shape == &shape_of<SessionId>()) {
    agent_ = Cell<SessionId>{agent->place};
  }
}

void Pipeline::begin(Session& session, Trace trace, EngineWorker& worker) const {
  session.trace = std::move(trace);
  session.root = session.trace.enter("gateway.request", SpanScope::handlers, SpanKind::server);
  Request& request = session.request;
  request.headers = session.headers;
  request.received = Clock::now();
  request.fairness_id = kDefaultFairness;
  request.path = request_path(session.headers);
  request.id = request.header("x-request-id");
  if (request.id.empty()) request.id = make_request_id(worker.random, session.arena);
}

void Pipeline::run(const std::shared_ptr<const Pipeline>& self, Session& session,
                   EngineWorker& worker) const {
  session.pipeline_ = self;
  const std::uint64_t seed = worker.random.next();
  advance(session, worker, [&]() -> Result<Progress> {
    if (auto parsed = parse(session, worker); !parsed) return std::unexpected(parsed.error());
    session.orchestration_ = session.trace.enter("gateway.request_orchestration",
                                                 SpanScope::requestcontrol, SpanKind::server);
    if (auto named = rewrite(session, seed, worker); !named) return std::unexpected(named.error());
    if (auto open = open_decision(session, seed, worker); !open) {
      return std::unexpected(open.error());
    }
    return proceed(session, worker);
  });
}

template <typename Action>
void Pipeline::advance(Session& session, EngineWorker& worker, const Action& action) const {
  Result<Progress> progress = Progress::waiting;
  Trace::Scope& scope = session.orchestration_;
  try {
    progress = action();
    if (progress && *progress == Progress::waiting) return;
    if (!progress && scope.recording()) {
      const std::string text = error_text(progress.error());
      scope.exception(kTypedError, text);
      scope.error(text);
    }
  } catch (const std::exception& e) {
    scope.exception(std::current_exception());
    progress = fail(Code::internal, "a plugin failed: " + std::string(e.what()));
  } catch (...) {
    scope.exception(std::current_exception());
    progress = fail(Code::internal, "a plugin failed");
  }
  scope.end();
  const Request& request = session.request;
  worker.shard.observe(worker.request_processing, Clock::now() - request.received);
  if (!progress) {
    failed(session, progress.error());
    return session.decided(std::unexpected(progress.error()));
  }
  const RequestLabels labels(request);
  worker.shard.add(labels.of(worker.shard, metric::kRequestTotal));
  worker.shard.observe(labels.of(worker.shard, metric::kRequestSize),
                       static_cast<double>(session.outgoing_bytes));
  session.decided({});
}

Result<void> Pipeline::parse(Session& session, EngineWorker& worker) const {
  Request& request = session.request;
  request.body_bytes = session.body.size();
  auto parser = assembly_.parsers.resolve(request.path);
  if (!parser) return std::unexpected(parser.error());
  session.parser = *parser;
  const auto began = Clock::now();
  auto parsed = session.parser->parse(session.body, request, session.arena);
  worker.shard.observe(timers_of(*parser).request, Clock::now() - began);
  if (!parsed) {
    // A body that cannot be read names no model, however far the reading came (spec/07
    // section 5.1).
    request.model = {};
    return std::unexpected(parsed.error());
  }
  session.parsed = *parsed;
  session.response.progress.mode = parsed->mode;
  return {};
}

const Pipeline::ReadBy& Pipeline::timers_of(const Parser* parser) const {
  return *std::ranges::find(read_by_, parser, &ReadBy::parser);
}

Result<void> Pipeline::open_decision(Session& session, std::uint64_t seed,
                                     EngineWorker& worker) const {
  const Request& request = session.request;
  Trace::Scope& scope = session.orchestration_;
  scope.set("target_model", request.target_model);
  scope.set("request_prio", request.priority);

  const std::shared_ptr<const Fleet> fleet = worker.fleet.get();
  session.decision = recorder_.fresh();
  Decision& decision = *session.decision;
  decision.at = Clock::now();
  decision.wall = std::chrono::system_clock::now();
  decision.request_id = clipped(request.id);
  decision.model = clipped(request.model);
  decision.target_model = clipped(request.target_model);
  decision.body_bytes = request.body_bytes;
  decision.priority = request.priority;
  decision.matrix_wanted = options_.trace_decision_matrix;
  decision.seed = seed;
  decision.fleet = fleet;
  decision.plan = assembly_.scheduler->plan();
  if (recorder_.wants_inputs()) decision.inputs.schema = assembly_.inputs;

  session.signals.reset(session.arena, assembly_.plugins->signals().size(), fleet->size());
  if (auto arrived = arrive(session, worker); !arrived) return arrived;
  POINTSMAN_TRY(candidates, locate(session, *fleet));
  if (auto admitted = admit(session, *fleet, candidates); !admitted) return admitted;
  if (candidates.empty()) {
    return fail(Code::unavailable, "failed to find endpoint candidates for serving the request",
                "rejected-no-endpoints");
  }
  if (auto screened = screen(candidates, session, worker); !screened) return screened;
  session.candidates_ = candidates;
  return {};
}

Context Pipeline::context_of(Session& session) const {
  const Decision& decision = *session.decision;
  return {session.request, *decision.fleet, session.signals,
          session.trace,   decision.at,     decision.at - options_.staleness};
}

Result<Pipeline::Progress> Pipeline::proceed(Session& session, EngineWorker& worker) const {
  const Context context = context_of(session);
  for (; session.next_producer_ < producers_.size(); ++session.next_producer_) {
    const Step& step = producers_[session.next_producer_];
    const auto wait = waits(step, context, session, worker);
    if (wait && *wait) return Progress::waiting;
    const auto began = Clock::now();
    const auto produced =
        wait ? step.producer->produce(context, session.candidates_, session.signals)
             : Result<void>(std::unexpected(wait.error()));
    if (session.wakeup_ != nullptr) {
      session.wakeup_->cancel();
      session.wakeup_.reset();
      session.alarm_.reset();
    }
    worker.shard.observe(step.timer, Clock::now() - began);
    // The request goes on without the signal; scorers that miss it give no score.
    if (!produced) {
      worker.shard.add(worker.shard.with(metric::kProducerErrors, step.name.name, step.name.type));
    }
  }
  if (auto done = schedule(context, session, worker); !done) return std::unexpected(done.error());
  return Progress::decided;
}

Result<bool> Pipeline::waits(const Step& step, const Context& context, Session& session,
                             EngineWorker& worker) const {
  if (step.preparer == nullptr || !worker.post) return false;
  if (session.wakeup_ != nullptr) {
    if (!session.wakeup_->timed_out()) return false;
    return fail(Code::timeout, "DataProducer execution timed out: context deadline exceeded");
  }
  session.wakeup_ = std::make_shared<Wakeup>([this, &session, &worker] {
    worker.post([this, &session, &worker, waiting = std::weak_ptr(session.wakeup_)] {
      const auto wakeup = waiting.lock();
      if (wakeup == nullptr || wakeup->cancelled()) return;
      advance(session, worker, [&] { return proceed(session, worker); });
    });
  });
  auto wait =
      step.preparer->prepare(context, session.candidates_, session.signals, session.wakeup_);
  if (wait && *wait && worker.alarm) {
    session.alarm_ =
        worker.alarm(step.preparer->patience(), [waiting = std::weak_ptr(session.wakeup_)] {
          if (const auto wakeup = waiting.lock()) wakeup->time_out();
        });
  }
  return wait;
}

Result<void> Pipeline::schedule(const Context& context, Session& session,
                                EngineWorker& worker) const {
  Decision& decision = *session.decision;
  if (auto admitted = ask_admitters(context, session, worker); !admitted) return admitted;
  if (recorder_.wants_inputs()) {
    take_inputs(assembly_.inputs, context, session.candidates_, recorder_.print_salt(),
                decision.inputs);
  }
  if (auto chosen =
          assembly_.scheduler->schedule(context, session.candidates_, decision, worker.scheduler);
      !chosen) {
    return chosen;
  }
  if (decision.targets().empty()) {
    return fail(Code::internal, "results must be greater than zero");
  }
  decision.predicted_cached_tokens =
      predicted_cached_tokens(session.signals, matches_, decision.targets()[0]);
  if (auto met = check_condition(session); !met) return met;
  if (auto sent = dispatch(context, session, worker); !sent) return sent;
  recorder_.keep(session.decision);
  return {};
}

Result<std::span<EndpointIndex>> Pipeline::locate(Session& session, const Fleet& fleet) const {
  const auto list = session.arena.array<EndpointIndex>(fleet.size());
  for (EndpointIndex e = 0; e < fleet.size(); ++e) list[e] = e;
  Candidates candidates(list, session.decision->drops);
  candidates.keep_if(DropReason::not_ready, [&](EndpointIndex e) { return fleet.ready(e); });
  if (session.subset && !options_.ignore_subset) {
    const std::span<const std::string_view> allowed = *session.subset;
    candidates.keep_if(DropReason::subset,
                       [&](EndpointIndex e) { return in_subset(fleet[e], allowed); });
  }
  if (options_.by_model) {
    const std::string_view model = session.request.target_model;
    if (model.empty()) {
      prefer_model(fleet, named_model(session.body, session.arena), candidates);
    } else if (auto kept = keep_model(fleet, model, candidates); !kept) {
      return std::unexpected(std::move(kept).error());
    }
  }
  leave_out_closed(fleet, session.decision->at, candidates);
  return list.first(candidates.size());
}

// Never all of them: who fails may still be better than nobody.
void Pipeline::leave_out_closed(const Fleet& fleet, Clock::time_point now,
                                Candidates& candidates) const {
  for (const EndpointGate* const gate : options_.gates) {
    if (!gate->any(now)) continue;
    candidates.keep_if_any(gate->reason(),
                           [&](EndpointIndex e) { return !gate->closed(fleet[e].key, now); });
  }
}

// Admission of spec/03 section 11.1: only requests of negative priority are ever refused.
Result<void> Pipeline::admit(const Session& session, const Fleet& fleet,
                             std::span<const EndpointIndex> candidates) const {
  if (session.request.priority >= 0) return {};
  const double saturation =
      assembly_.saturation->saturation(fleet, candidates, session.decision->at);
  if (saturation < 1.0) return {};
  return fail(Code::resource_exhausted, "system saturated, sheddable request dropped",
              "rejected-saturated");
}

// "Prefer: if-available" asks for an endpoint that holds the prompt's beginning, or for nothing.
Result<void> Pipeline::check_condition(const Session& session) const {
  if (!prefers_if_available(session.request.header("prefer"))) return {};
  const EndpointIndex target = session.decision->targets()[0];
  for (const Column<PrefixMatch> column : matches_) {
    const auto matches = session.signals.read(column);
    if (!matches.empty() && matches[target].match > 0) return {};
  }
  return fail(Code::precondition_failed, "no decode worker has the requested KV cache");
}

void Pipeline::failed(Session& session, const Error& error) const {
  session.fail_with(error);
  if (session.root.recording()) {
    const std::string text = error_text(error);
    session.root.exception(kTypedError, text);
    session.root.error(text);
  }
  if (session.decision == nullptr) return;
  if (session.decision->error.empty()) {
    session.decision->error = clipped(error.message, kMaxErrorText);
  }
  session.decision->outcome.end = Outcome::End::rejected;
  session.decision->outcome.status = http_status(error.code);
  recorder_.keep(session.decision);
}

Result<EndpointIndex> Pipeline::any_endpoint(Session& session, const Fleet& fleet,
                                             EngineWorker& worker,
                                             std::span<const EndpointIndex> tried) const {
  const auto list = session.arena.array<EndpointIndex>(fleet.size());
  std::size_t n = 0;
  for (EndpointIndex e = 0; e < fleet.size(); ++e) {
    if (!fleet.ready(e) || std::ranges::find(tried, e) != tried.end()) continue;
    if (session.subset && !options_.ignore_subset && !in_subset(fleet[e], *session.subset))
      continue;
    list[n++] = e;
  }
  if (n == 0) {
    return fail(Code::unavailable, "no pods available in datastore", "rejected-no-endpoints");
  }
  std::vector<Drop> drops;
  Candidates open(list.first(n), drops);
  leave_out_closed(fleet, Clock::now(), open);
  return list[worker.random.below(open.size())];
}

void Pipeline::tend(const Fleet& fleet) const {
  for (const auto& instance : assembly_.plugins->all()) {
    if (instance->upkeep != nullptr) instance->upkeep->tend(fleet);
  }
}

}  // namespace pointsman
