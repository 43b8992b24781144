#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/edge/ext_proc/ext_proc.h"
#include "pointsman/edge/ext_proc/processing_request.h"
#include "pointsman/edge/ext_proc/processing_response.h"
#include "pointsman/edge/ext_proc/routing_times.h"
#include "pointsman/edge/ext_proc/stream_metrics.h"
#include "pointsman/edge/model_restorer.h"
#include "pointsman/edge/session_pool.h"
#include "pointsman/engine/session.h"
#include "pointsman/wire/http.h"

namespace pointsman {

class ExtProcSession;

// What the sessions of one worker share.
struct ExtProc::Shared {
  Shared(Loop& loop, const Published<std::shared_ptr<const Pipeline>>& pipelines,
         Tracer& own_tracer, EngineWorker& own_worker, const ExtProcOptions& own_options);
  ~Shared();

  Published<std::shared_ptr<const Pipeline>>::Reader pipeline;
  Tracer& tracer;
  EngineWorker& worker;
  ExtProcOptions options;
  RoutingTimes routing_times;
  std::optional<StreamMetrics> stream_metrics;
  SessionPool<ExtProcSession> sessions;
  // Memory for one message at a time.
  ProcessingRequest message;
  std::vector<Header> set;
  std::vector<std::string_view> names;
  std::vector<EndpointScore> scores;
};

// One HTTP transaction of the proxy, from its headers to its end.
class ExtProcSession final : public Session {
 public:
  explicit ExtProcSession(ExtProc::Shared& shared) : shared_(shared) {}

  // What the call's receiver hears.
  void start(GrpcCall& call);
  void received(std::string_view message);
  void half_closed();
  void cancelled(GrpcStatus why, std::string_view message);

  void decided(const Result<void>& outcome) override;

 private:
  // How far the request has come. Each step is made once, in this order; a response may begin at
  // any of them, since the proxy also answers by itself.
  enum class Step : std::uint8_t {
    fresh,       // nothing heard
    gathering,   // headers are here, the body is on its way
    deciding,    // the engine has it
    routed,      // the proxy knows where it goes
    responding,  // the response has begun
  };

  void request_headers(const ProcessingRequest& message);
  void request_body(const ProcessingRequest& message);
  void request_complete(bool with_trailers);
  void response_headers(const ProcessingRequest& message);
  void response_body(const ProcessingRequest& message);
  void response_trailers();

  bool begin(const ProcessingRequest& message);
  bool understood(const ProcessingRequest& message);
  void open(std::span<const Header> lines);
  void take_subset(std::string_view metadata);
  void take_served(std::string_view metadata);
  void route_headers_only();
  void send_route(std::string_view destination, std::size_t content_length);
  void collect_route_headers();
  void apply_edits(const HeaderEdits& edits);
  void collect_scores();
  void send_request_body();
  void send_response(std::string_view bytes, bool end);
  // Answers with an error that the engine has, or has not, been told of.
  void refuse(const Error& error);
  void refuse_unread(const Error& error);
  // Ends the call, if it is still there, and the session. The last thing that is done with it.
  void end(Outcome::End how, GrpcStatus status = GrpcStatus::ok, std::string_view text = {});
  Outcome::End how_it_stands() const;
  void count_end(GrpcStatus status);

  template <typename Message>
  void send(const Message& message);

  ExtProc::Shared& shared_;
  std::shared_ptr<const Pipeline> pipeline_;
  GrpcCall* call_ = nullptr;  // null: the proxy is gone
  BodyBuffer body_;
  ByteShare memory_;  // of the body
  ModelRestorer restorer_;
  TraceHeaders trace_headers_;
  OutgoingTrace outgoing_trace_;
  std::string destination_;
  std::string decision_text_;
  Clock::time_point opened_;   // set when streams are counted
  Clock::time_point arrived_;  // the request, whole
  Step step_ = Step::fresh;
  bool trailers_ = false;       // the request ends with trailers
  bool with_engine_ = false;    // between Pipeline::run and decided()
  bool reset_by_peer_ = false;  // the call was cancelled, not closed
  bool half_closed_ = false;    // the proxy says no more
};

}  // namespace pointsman
