#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/edge/http/proxy.h"
#include "pointsman/edge/model_restorer.h"
#include "pointsman/edge/session_pool.h"
#include "pointsman/engine/session.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/tunnel.h"

namespace pointsman {

class ProxySession;

// What the sessions of one proxy share.
struct ProxyShared {
  ProxyShared(Loop& own_loop, const Published<std::shared_ptr<const Pipeline>>& pipelines,
              Tracer& own_tracer, EngineWorker& own_worker, ProxyOptions own_options);

  // The session is over.
  void give_back(ProxySession* session);
  // For servers that speak https.
  Result<std::shared_ptr<TlsContext>> upstream_tls();
  // Once nobody is here any more, if drain() waits for that.
  void look_drained();

  Loop& loop;
  Published<std::shared_ptr<const Pipeline>>::Reader pipeline;
  Tracer& tracer;
  EngineWorker& worker;
  ProxyOptions options;
  std::optional<Published<ProxyKeys>::Reader> keys;
  RetryBudget budget;
  SessionPool<ProxySession> sessions;
  bool server_drained = false;
  Loop::Task drained;
  HttpClient client;
  HttpServer server;  // last: its exchanges point to sessions
};

// One request on its way through the standalone router.
class ProxySession final : public Session, private HttpSink {
 public:
  explicit ProxySession(ProxyShared& shared) : shared_(shared) {}

  // Takes the exchange and answers it. The session gives itself back when it is done.
  void start(std::unique_ptr<HttpExchange> exchange);

  void decided(const Result<void>& outcome) override;

 private:
  // Where a request can be sent.
  struct Target {
    EndpointIndex endpoint = 0;
    HttpTarget to;
    EndpointLimits::Slot slot;
  };

  bool admitted() const;
  bool answer_models();
  void gathered(const Result<std::string_view>& body);
  // Answers with an error in place of a model server's response. `status` 0: that of the error's
  // code.
  void refuse(const Error& error, Outcome::End how = Outcome::End::rejected, int status = 0);
  // Answers a request that the engine has refused.
  void refuse_decision(const Error& error);
  // Sends the request to the first endpoint, or says that there is none.
  void send();
  // The endpoint that comes next, if there is one and another try is allowed. Who cannot be reached
  // is passed over.
  std::optional<Target> next_target();
  // What it takes to send to that endpoint; nothing: it has no address, cannot be spoken to, or has
  // as many requests as it may have.
  std::optional<Target> reach(EndpointIndex endpoint);
  // The endpoint of the last try once more.
  std::optional<Target> same_target();
  // A place at the endpoint, if there is one left.
  std::optional<EndpointLimits::Slot> occupy(const Endpoint& endpoint);
  std::optional<EndpointIndex> next_choice();
  // Begins a try.
  void attempt(Target next);
  // Sends the request to the next endpoint in place of the one that failed, or to the same one over
  // another connection if a kept one was closed and nobody else is left; false: it is not to be
  // tried again.
  bool try_again(std::string_view reason);
  // The last endpoint tried has failed, or answered. `error`: what the log is told of it.
  void blame(std::string_view reason, bool connecting, std::string_view error);
  void praise();
  const Endpoint& target() const { return (*fleet_)[target_]; }
  // Makes the response's head for the client of what the model server says.
  void make_reply(const ResponseHead& head);
  // The decision's name, if clients are told it; else "".
  std::string told_decision() const;
  // Prepares to give the response its client's model name back, where it was sent on under another.
  void begin_restoring(const ResponseHead& head);
  void client_gone();
  // Counts, hands the trace over and gives the session back. The last thing that is done with it.
  void end(Outcome::End how);

  void on_head(const ResponseHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_trailers(const HttpFields& trailers) override;
  void on_end() override;
  void on_failure(HttpFailure met) override;
  void on_upgrade(const ResponseHead& head, std::unique_ptr<Stream> stream,
                  std::string_view rest) override;

  ProxyShared& shared_;
  std::shared_ptr<const Pipeline> pipeline_;
  std::unique_ptr<HttpExchange> exchange_;
  BodyBuffer body_;
  HttpCall call_;
  std::unique_ptr<Tunnel> tunnel_;
  ModelRestorer restorer_;
  RequestHead upstream_;
  ResponseHead reply_;
  HttpFields trailers_;        // of the request
  HttpFields reply_trailers_;  // of the response
  TraceHeaders trace_headers_;
  std::shared_ptr<const Fleet> fleet_;
  std::shared_ptr<const ProxyKeys> keys_;
  std::vector<EndpointIndex> tried_;  // or passed over
  EndpointIndex target_ = 0;          // of the last try
  EndpointLimits::Slot slot_;         // at the endpoint that has the request
  bool limited_ = false;              // an endpoint could not take one more
  std::size_t attempts_ = 0;
  std::string unreachable_;   // why an endpoint could not be spoken to
  bool bodiless_ = false;     // routed without the engine's decision
  bool with_engine_ = false;  // between Pipeline::run and decided()
};

}  // namespace pointsman
