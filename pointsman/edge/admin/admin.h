#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/base/published.h"
#include "pointsman/edge/admin/tap_feed.h"
#include "pointsman/edge/http/api_keys.h"
#include "pointsman/model/fleet.h"
#include "pointsman/record/decision_ring.h"
#include "pointsman/record/tap_hub.h"
#include "pointsman/stage/endpoint_gate.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/wire/http_server.h"

namespace pointsman {

// What the admin port shows. Everything outlives it.
struct AdminSources {
  const Metrics& metrics;
  const DecisionRing& decisions;
  TapHub& taps;
  const Published<Fleet>& fleets;
  std::function<bool()> ready;                     // for /readyz: false while draining; any thread
  RefusalCounts* refusals = nullptr;               // of the port's own connections
  std::function<std::string()> plugin_state = {};  // for /debug/plugins/state, JSON
  EndpointGates gates;                             // who knows of endpoints in trouble
  // Tokens that open what is otherwise for clients on this machine only; null: none does.
  std::shared_ptr<const ApiKeys> tokens = nullptr;
};

// The admin port: /metrics, /healthz, /readyz, /endpoints, /decisions?limit=N, /decisions/<id>,
// /tap?where=EXPR, /debug/plugins/state.
// Endpoints, decisions and plugins tell of requests, so they answer peers on this machine only, and
// those that show a token. A page of somebody else's that a browser on this machine shows can name
// this machine as it likes (DNS rebinding), so without a token the Host must be an address or a
// name of this machine's own.
//
// Threading: its loop's thread.
class AdminServer {
 public:
  AdminServer(Loop& loop, AdminSources sources);

  void serve(std::unique_ptr<Stream> stream) { server_.serve(std::move(stream)); }

 private:
  void take(std::unique_ptr<HttpExchange> exchange);
  // Why the private pages are not for this request; empty: they are.
  std::string_view barred(const HttpExchange& exchange) const;
  bool named_as_own(std::string_view host) const;
  void answer(HttpExchange& exchange);
  void answer_decisions(HttpExchange& exchange, std::string_view path);

  AdminSources sources_;
  const std::string own_name_;  // this machine's
  Published<Fleet>::Reader fleet_;
  TapFeed taps_;
  HttpServer server_;
};

}  // namespace pointsman
