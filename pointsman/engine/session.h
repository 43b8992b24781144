#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/model/decision.h"
#include "pointsman/model/request.h"
#include "pointsman/model/signals.h"
#include "pointsman/model/trace.h"
#include "pointsman/stage/answer.h"
#include "pointsman/stage/header_edits.h"
#include "pointsman/stage/parser.h"
#include "pointsman/stage/wakeup.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// One request as the engine sees it, whatever wire it came in on. The edge derives from it, fills
// the first part, calls the Pipeline, and reads the second part when decided() comes.
//
// Threading: belongs to one worker. Between Pipeline::run and decided() the request may wait: it
// must not be reset then, but may be destroyed.
class Session {
 public:
  Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session();

  // The decision stands (`decision->targets()` is not empty), or why there is none. Called exactly
  // once per Pipeline::run, on the session's worker, perhaps before run() returns.
  virtual void decided(const Result<void>& outcome) = 0;

  // Forgets the last request but keeps its memory.
  void reset();

  // The request ends with this error.
  void fail_with(const Error& error);
  // Something else was wrong: it is told in the log, but is no error of the request phase.
  void note_failure(std::string_view message);

  // --- what the edge fills ---
  Arena arena;
  // The headers, names lower-case, in arena memory or in buffers that live as long as the request.
  std::span<const Header> headers;
  // The whole body; kBodyPadding readable bytes follow it.
  std::string_view body;
  // Endpoints that the gateway allows, as "ip" or "ip:port"; nothing: all.
  std::optional<std::span<const std::string_view>> subset;

  // --- what the engine fills ---
  Request request;
  const Parser* parser = nullptr;  // set once the path is known
  Parsed parsed;
  Signals signals;
  Trace trace;
  Trace::Scope root;                   // gateway.request; ended by Pipeline::finish
  std::shared_ptr<Decision> decision;  // set when the model and priority are known
  // What the hooks see: the decision, but after Pipeline::rerouted() with the endpoint in use.
  const Decision& in_effect() const { return rerouted_ ? *rerouted_ : *decision; }
  std::string_view kept_by;  // the --keep rule that wants this trace; set by finish()
  // Why it failed, if it did.
  struct Failure {
    std::string_view code;     // of the error that ended the request phase: of metrics and --keep
    std::string_view message;  // at most kMaxErrorText
    std::string_view reason;   // Error::drop_reason
    int status = 0;            // what the client is told
  };
  Failure failure;
  // The body to send upstream, in pieces to be concatenated: as received, or with another model.
  std::span<const std::string_view> outgoing;
  std::size_t outgoing_bytes = 0;

  // What plugins change on the headers: of the request to the model server, of the response to the
  // client. The edge applies them.
  HeaderEdits upstream_edits;
  HeaderEdits client_edits;
  // What plugins tell the proxy with the end of the answer. The edge passes it on.
  ProxyMetadata proxy_metadata;

  // --- how the response goes ---
  struct Response {
    ResponseProgress progress;
    int status = 0;
    // See Answer. Set by the edge, before response_started(); in the arena.
    std::optional<std::string_view> served;
    bool proxy_tells = false;
    bool sse = false;       // text/event-stream
    bool running = false;   // counted as running
    bool complete = false;  // its end was seen
    std::uint64_t bytes = 0;
    Clock::time_point began;       // its head
    Clock::time_point first;       // first body byte
    Clock::time_point last;        // newest body byte
    Clock::duration processing{};  // see metric::kResponseProcessing
    Histogram gap;                 // series of the time between two body pieces
  };
  Response response;

 private:
  friend class Pipeline;
  std::shared_ptr<const void> pipeline_;  // keeps plugins alive while the request is
  Trace::Scope orchestration_;            // gateway.request_orchestration
  std::span<const EndpointIndex> candidates_;
  std::size_t next_producer_ = 0;   // whose turn it is
  std::shared_ptr<Wakeup> wakeup_;  // set when that one has been asked to prepare
  std::shared_ptr<void> alarm_;     // of its time-out
  std::unique_ptr<Decision> rerouted_;
  bool dispatched_ = false;  // between the hooks' dispatched() and finished()
};

}  // namespace pointsman
