#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/engine/assembly.h"
#include "pointsman/engine/engine_worker.h"
#include "pointsman/engine/keep_rules.h"
#include "pointsman/engine/session.h"
#include "pointsman/stage/endpoint_gate.h"
#include "pointsman/stage/filter.h"
#include "pointsman/stage/recorder.h"
#include "pointsman/telemetry/log.h"

namespace pointsman {

// The life of a request between the wire and the reply: parse, rewrite, admit, screen, produce,
// schedule; then what the response tells. One configuration, immutable; a reload builds a new one.
//
// For every session: begin() once its headers are there, run() once its body is, then, when it was
// decided and sent, sent(), response_started(), response_chunk()..., and always finish().
//
// Threading: any number of workers, each with its own EngineWorker and sessions.
class Pipeline {
 public:
  struct Options {
    // Load signals older than this count as missing.
    Clock::duration staleness = std::chrono::seconds(2);
    bool ignore_subset = false;  // --disable-endpoint-subset-filter
    KeepRules keep;              // --keep
    bool trace_decision_matrix = false;
    EndpointGates gates;
    bool by_model = false;        // a request goes only to endpoints that serve its model
    const Logger* log = nullptr;  // hears of every request, see log_request; null: nobody does
  };

  Pipeline(Assembly assembly, Metrics& metrics, Recorder& recorder, Options options);

  const Assembly& assembly() const { return assembly_; }

  // Takes over the headers and the trace that was made from them: opens the root span, finds or
  // makes the request id. session.headers must be set.
  void begin(Session& session, Trace trace, EngineWorker& worker) const;

  // Parses the body and decides where the request goes; ends in session.decided(), perhaps later:
  // a producer may have to wait. Errors and their texts: spec/03 section 5.3. `self` keeps the
  // session's pipeline alive.
  void run(const std::shared_ptr<const Pipeline>& self, Session& session,
           EngineWorker& worker) const;

  // For a request without a body: some ready endpoint of `fleet` among the allowed ones and not
  // among `tried`, or unavailable / rejected-no-endpoints. Runs no plugin.
  Result<EndpointIndex> any_endpoint(Session& session, const Fleet& fleet, EngineWorker& worker,
                                     std::span<const EndpointIndex> tried = {}) const;

  // The request was refused, by the engine or by who holds the session: the decision and the root
  // span tell of it.
  void failed(Session& session, const Error& error) const;
  // The request has been handed to the model server.
  void sent(Session& session, EngineWorker& worker) const;
  // The first choice could not be reached: the outcome so far is noted and another is tried.
  void retried(Session& session, const Outcome& so_far) const;
  // The request goes to `to`, another candidate of the primary profile, in place of the pick. To
  // the plugins the first try is finished and another one dispatched. Comes before sent() anew.
  void rerouted(Session& session, EndpointIndex to, EngineWorker& worker) const;
  // A response comes although the request was not read: the proxy answers by itself, or has never
  // shown us the request. Chooses the parser that reads it, by the path.
  void adopt(Session& session) const;
  // The response's head. `content_type` may be empty.
  void response_started(Session& session, int status, std::string_view content_type,
                        EngineWorker& worker) const;
  // The next piece of its body, perhaps empty; `end`: the last.
  void response_chunk(Session& session, std::string_view chunk, bool end,
                      EngineWorker& worker) const;
  // The request is over, however it ended. Counts, joins the outcome, ends the root span.
  void finish(Session& session, Outcome::End end, EngineWorker& worker) const;

  // Lets plugins do what they do now and then. About once a second, from one thread.
  void tend(const Fleet& fleet) const;

 private:
  // A plugin in one of its roles.
  template <typename Role>
  struct Part {
    TypedName name;
    std::shared_ptr<Role> plugin;
    PluginTimer timer;
  };
  struct Step {
    TypedName name;
    std::shared_ptr<Producer> producer;
    std::shared_ptr<Preparer> preparer;
    PluginTimer timer;
  };
  struct ReadBy {
    const Parser* parser = nullptr;
    PluginTimer request;
    PluginTimer response;
  };
  using ResponseHooks = std::vector<Part<ResponseHook>>;
  using Moment = void (ResponseHook::*)(const Context&, const Decision&, const Answer&, Effects&);

  enum class Progress : std::uint8_t { waiting, decided };

  Result<void> parse(Session& session, EngineWorker& worker) const;
  // Takes a step of the decision and, unless the request waits, tells the session how it ended.
  template <typename Action>
  void advance(Session& session, EngineWorker& worker, const Action& action) const;
  // `seed` is that of everything random about the request.
  Result<void> rewrite(Session& session, std::uint64_t seed, EngineWorker& worker) const;
  Result<void> open_decision(Session& session, std::uint64_t seed, EngineWorker& worker) const;
  Result<void> arrive(Session& session, EngineWorker& worker) const;
  Result<void> screen(std::span<EndpointIndex>& candidates, Session& session,
                      EngineWorker& worker) const;
  Result<Progress> proceed(Session& session, EngineWorker& worker) const;
  // Whether the request has to wait before this producer can run.
  Result<bool> waits(const Step& step, const Context& context, Session& session,
                     EngineWorker& worker) const;
  Context context_of(Session& session) const;
  Result<void> schedule(const Context& context, Session& session, EngineWorker& worker) const;
  Result<std::span<EndpointIndex>> locate(Session& session, const Fleet& fleet) const;
  void leave_out_closed(const Fleet& fleet, Clock::time_point now, Candidates& candidates) const;
  Result<void> admit(const Session& session, const Fleet& fleet,
                     std::span<const EndpointIndex> candidates) const;
  Result<void> ask_admitters(const Context& context, Session& session, EngineWorker& worker) const;
  Result<void> check_condition(const Session& session) const;
  Result<void> dispatch(const Context& context, Session& session, EngineWorker& worker) const;
  // Tells the hooks of a moment, if the request was dispatched.
  void tell(Moment moment, const ResponseHooks& hooks, Session& session,
            EngineWorker& worker) const;
  void tell_finished(Session& session, EngineWorker& worker) const;
  const ReadBy& timers_of(const Parser* parser) const;

  Assembly assembly_;
  Recorder& recorder_;
  Options options_;
  std::vector<Part<ArrivalHook>> arrivals_;
  std::vector<Part<Screener>> screeners_;
  std::vector<Step> producers_;
  std::vector<Part<Admitter>> admitters_;
  std::vector<Part<Hook>> hooks_;
  ResponseHooks head_hooks_;                  // who hears of the head of a response
  ResponseHooks body_hooks_;                  // and who of its body and its end
  std::vector<Column<PrefixMatch>> matches_;  // of every producer that looks for cached prefixes
  std::optional<Cell<SessionId>> agent_;      // who is accounted to when no header says so
  std::vector<ReadBy> read_by_;               // every parser in use
};

}  // namespace pointsman
