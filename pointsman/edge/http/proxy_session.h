#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "pointsman/edge/http/proxy.h"
#include "pointsman/edge/model_restorer.h"
#include "pointsman/engine/session.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"

namespace pointsman {

class ProxySession;

// What the sessions of one proxy share.
struct ProxyShared {
  ProxyShared(Loop& own_loop, const Published<std::shared_ptr<const Pipeline>>& pipelines,
              Tracer& own_tracer, EngineWorker& own_worker, ProxyOptions own_options);

  // A session that nobody uses, or a new one.
  ProxySession* take();
  // The session is over.
  void give_back(ProxySession* session);
  // For servers that speak https.
  Result<std::shared_ptr<TlsContext>> upstream_tls();

  Loop& loop;
  Published<std::shared_ptr<const Pipeline>>::Reader pipeline;
  Tracer& tracer;
  EngineWorker& worker;
  ProxyOptions options;
  std::shared_ptr<TlsContext> tls;                      // null: not needed so far
  std::vector<std::unique_ptr<ProxySession>> sessions;  // all there are
  std::vector<ProxySession*> idle;
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
  static constexpr std::size_t kMaxAttempts = 3;

  void gathered(const Result<std::string_view>& body);
  // Answers with an error in place of a model server's response.
  void refuse(const Error& error, Outcome::End how = Outcome::End::rejected);
  // Sends the request to the next endpoint; false when none is left.
  bool attempt();
  // Prepares to give the response its client's model name back, where it was sent on under another.
  void begin_restoring(const ResponseHead& head);
  void unreachable();
  void client_gone();
  // Counts, hands the trace over and gives the session back. The last thing that is done with it.
  void end(Outcome::End how);

  void on_head(const ResponseHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_end() override;
  void on_failure(HttpFailure failure) override;

  ProxyShared& shared_;
  std::shared_ptr<const Pipeline> pipeline_;
  std::unique_ptr<HttpExchange> exchange_;
  BodyBuffer body_;
  HttpCall call_;
  ModelRestorer restorer_;
  RequestHead upstream_;
  ResponseHead reply_;
  TraceHeaders trace_headers_;
  std::shared_ptr<const Fleet> fleet_;
  std::array<EndpointIndex, kMaxAttempts> tried_{};
  std::size_t attempts_ = 0;
  bool bodiless_ = false;     // routed without the engine's decision
  bool with_engine_ = false;  // between Pipeline::run and decided()
};

}  // namespace pointsman
