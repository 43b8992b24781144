#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/base/published.h"
#include "pointsman/edge/http/api_keys.h"
#include "pointsman/edge/http/endpoint_limits.h"
#include "pointsman/edge/http/outliers.h"
#include "pointsman/edge/http/retry.h"
#include "pointsman/engine/pipeline.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/tracer.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

// Who may come in, and as whom the router goes to the model servers. May change while it runs.
struct ProxyKeys {
  std::shared_ptr<const ApiKeys> clients;  // null: everybody
  std::string upstream;                    // empty: the client's Authorization passes
};

struct ProxyOptions {
  HttpServerOptions server;
  HttpClientOptions client;
  RetryOptions retry;
  Outliers* outliers = nullptr;                // learns of failures; null: nobody does
  EndpointLimits* limits = nullptr;            // of requests at one time; null: there are none
  const Published<ProxyKeys>* keys = nullptr;  // null: no keys
  bool models = false;                         // GET /v1/models is answered by the router
  std::string_view scheme = "http";            // that clients use
  std::chrono::nanoseconds tunnel_idle = std::chrono::minutes(10);  // of upgraded connections
  bool decision_header = true;  // x-pointsman-decision on responses
  // For servers that speak https. Null: checked with the system's certificates. Reading those takes
  // a tenth of a second, so it is done when the first such server is met.
  std::shared_ptr<TlsContext> upstream_tls;
  std::optional<Logger> log;  // told of servers that fail
};

struct ProxyShared;  // proxy_session.h

// One worker's half of the standalone router: answers the requests of clients by sending each to
// the endpoint that the pipeline picks. Bodies are gathered before the decision; responses stream
// through, each side holding the other back. When a server cannot be reached, or closes a kept
// connection before its first byte, the next-best endpoint of the same decision is tried, within
// RetryOptions; never once a byte of an answer has gone to the client.
//
// Threading: its loop's thread.
class HttpProxy {
 public:
  // All references outlive the proxy.
  HttpProxy(Loop& loop, const Published<std::shared_ptr<const Pipeline>>& pipelines, Tracer& tracer,
            EngineWorker& worker, ProxyOptions options);
  ~HttpProxy();
  HttpProxy(const HttpProxy&) = delete;
  HttpProxy& operator=(const HttpProxy&) = delete;

  // Serves the requests of one more client connection.
  void serve(std::unique_ptr<Stream> stream);

  // From now on every answer asks its client to come back on another connection.
  void part();

  // Lets the requests that are here end, then calls `done`; connections are told to close.
  void drain(Loop::Task done);

  // Requests in progress.
  std::size_t active() const;

 private:
  std::unique_ptr<ProxyShared> shared_;
};

}  // namespace pointsman
