#include "pointsman/edge/http/proxy_session.h"

#include <span>
#include <string>
#include <utility>

#include "pointsman/edge/http/forward.h"
#include "pointsman/edge/http/models_page.h"
#include "pointsman/engine/candidates.h"
#include "pointsman/engine/error_text.h"
#include "pointsman/engine/request_id.h"
#include "pointsman/model/endpoint_protocol.h"

namespace pointsman {

void ProxySession::start(std::unique_ptr<HttpExchange> exchange) {
  reset();
  restorer_.reset();
  tried_.clear();
  attempts_ = 0;
  limited_ = false;
  unreachable_.clear();
  trailers_.clear();
  reply_trailers_.clear();
  with_engine_ = false;
  pipeline_ = *shared_.pipeline.get();
  exchange_ = std::move(exchange);
  exchange_->when_gone([this] { client_gone(); });
  const RequestHead& head = exchange_->head();
  headers = engine_headers(head, arena);
  request.headers = headers;
  trace_headers_ = {request.header(kTraceparent), request.header(kTracestate),
                    request.header(kBaggage)};
  pipeline_->begin(*this, shared_.tracer.begin(trace_headers_, shared_.worker.random),
                   shared_.worker);
  if (shared_.keys) keys_ = shared_.keys->get();
  if (!admitted()) {
    return refuse({Code::unauthorized, "Incorrect API key provided.", "invalid_api_key"});
  }
  // It would show its sender the fields that the router has added, the model servers' key included.
  if (same_name(head.method, "TRACE")) {
    return refuse({Code::bad_request, "TRACE is not supported", "method_not_allowed"},
                  Outcome::End::rejected, 405);
  }
  bodiless_ = exchange_->body_size() == 0;
  if (!bodiless_) {
    exchange_->gather_body(body_, [this](Result<std::string_view> whole) { gathered(whole); });
    return;
  }
  fleet_ = shared_.worker.fleet.get();
  body_.clear();
  if (!answer_models()) send();
}

bool ProxySession::admitted() const {
  return keys_ == nullptr || keys_->clients == nullptr ||
         keys_->clients->admits(request.header("authorization"));
}

// Answers a question for models from what the fleet knows; false: it is not one, or nothing is
// known.
bool ProxySession::answer_models() {
  constexpr std::string_view kPath = "/v1/models";
  const RequestHead& head = exchange_->head();
  if (!shared_.options.models || (head.method != "GET" && head.method != "HEAD")) return false;
  const std::string_view path = head.path();
  const ModelTable* const models = fleet_->models().get();
  if (!path.starts_with(kPath) || models == nullptr || models->models.empty()) return false;
  std::optional<std::string> page;
  if (path.size() == kPath.size()) {
    page = models_page(*models);
  } else if (path[kPath.size()] == '/' && path.size() > kPath.size() + 1) {
    const std::string_view id = path.substr(kPath.size() + 1);
    page = model_page(*models, id);
    if (!page) {
      refuse(
          {Code::not_found, "The model `" + std::string(id) + "` does not exist", kModelNotFound});
      return true;
    }
  } else {
    return false;
  }
  reply_ = {};
  reply_.fields.add("Content-Type", "application/json");
  response.status = reply_.status;
  exchange_->respond(std::move(reply_), *page);
  end(Outcome::End::finished);
  return true;
}

void ProxySession::gathered(const Result<std::string_view>& whole) {
  if (!whole) {
    // The client has its answer already.
    fail_with(whole.error());
    return end(Outcome::End::rejected);
  }
  body = *whole;
  trailers_ = exchange_->trailers();
  remove_own_trailers(trailers_);
  with_engine_ = true;
  pipeline_->run(pipeline_, *this, shared_.worker);
}

void ProxySession::decided(const Result<void>& outcome) {
  with_engine_ = false;
  if (exchange_->is_gone()) return end(Outcome::End::client_aborted);
  if (!outcome) return refuse_decision(outcome.error());
  fleet_ = decision->fleet;
  send();
}

// What is wrong with a body that nobody can read is its encoding, whatever the parser says.
void ProxySession::refuse_decision(const Error& error) {
  const std::string_view encoding = request.header("content-encoding");
  if (error.code != Code::bad_request || encoding.empty() || same_name(encoding, "identity")) {
    return refuse(error);
  }
  refuse({Code::bad_request,
          "the body cannot be read: it is encoded (Content-Encoding: " + std::string(encoding) +
              "), and must be sent as it is",
          "unsupported_content_encoding"},
         Outcome::End::rejected, 415);
}

void ProxySession::refuse(const Error& error, Outcome::End how, int status) {
  fail_with(error);
  if (status != 0) failure.status = status;
  reply_ = {};
  reply_.status = failure.status;
  reply_.fields.add("Content-Type", "application/json");
  if (reply_.status == 429 || reply_.status == 503) reply_.fields.add("Retry-After", "1");
  if (reply_.status == 405) {
    reply_.fields.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  }
  if (reply_.status == 401) reply_.fields.add("WWW-Authenticate", "Bearer");
  if (error.drop_reason.starts_with("rejected")) {
    reply_.fields.add("x-llm-d-request-dropped-reason", error.drop_reason);
  }
  if (const std::string id = told_decision(); !id.empty()) {
    reply_.fields.add("x-pointsman-decision", id);
  }
  exchange_->respond(std::move(reply_), error_body(error));
  end(how);
}

void ProxySession::send() {
  shared_.budget.request();
  if (auto first = next_target()) return attempt(*std::move(first));
  if (limited_) {
    return refuse({Code::unavailable,
                   "every model server that could answer this has as many requests as it may have",
                   "rejected-endpoint-limit"});
  }
  if (bodiless_ && tried_.empty()) {
    return refuse({Code::unavailable, "no pods available in datastore", "rejected-no-endpoints"});
  }
  std::string why = "no endpoint of this decision can be connected to";
  if (!unreachable_.empty()) why += ": " + unreachable_;
  refuse({Code::bad_gateway, std::move(why)}, Outcome::End::upstream_failed);
}

std::optional<EndpointIndex> ProxySession::next_choice() {
  if (!bodiless_) return next_endpoint(*decision, tried_);
  const auto any = pipeline_->any_endpoint(*this, *fleet_, shared_.worker, tried_);
  if (!any) return std::nullopt;
  return *any;
}

std::optional<ProxySession::Target> ProxySession::next_target() {
  if (attempts_ > shared_.options.retry.most) return std::nullopt;
  while (const auto next = next_choice()) {
    tried_.push_back(*next);
    if (auto target = reach(*next)) return target;
  }
  return std::nullopt;
}

std::optional<ProxySession::Target> ProxySession::reach(EndpointIndex index) {
  const Endpoint& endpoint = (*fleet_)[index];
  const auto address =
      Address::parse(endpoint.address, bodiless_ ? endpoint.port : decision->port_of(index));
  Result<std::shared_ptr<TlsContext>> tls = nullptr;
  if (endpoint.tls) tls = shared_.upstream_tls();
  if (!address) unreachable_ = endpoint.id + " has no address";
  if (!tls) unreachable_ = tls.error().message;
  if (!address || !tls) return std::nullopt;
  auto slot = occupy(endpoint);
  if (!slot) return std::nullopt;
  return Target{.endpoint = index,
                .to = {.address = *address,
                       .tls = *std::move(tls),
                       .host = endpoint.tls ? endpoint.host : std::string(),
                       .http2 = speaks_http2(endpoint)},
                .slot = *std::move(slot)};
}

std::optional<EndpointLimits::Slot> ProxySession::occupy(const Endpoint& endpoint) {
  EndpointLimits* const limits = shared_.options.limits;
  if (limits == nullptr) return EndpointLimits::Slot();
  auto slot = limits->take(endpoint.key);
  if (!slot) {
    limited_ = true;
    shared_.worker.shard.add(shared_.worker.shard.with(metric::kUpstreamFailures, "limit"));
  }
  return slot;
}

void ProxySession::attempt(Target next) {
  slot_ = std::move(next.slot);
  target_ = next.endpoint;
  ++attempts_;
  if (!bodiless_ && target_ != in_effect().targets()[0]) {
    pipeline_->rerouted(*this, target_, shared_.worker);
  }
  if (!bodiless_ && attempts_ > 1) {
    Outcome so_far = decision->outcome;
    so_far.attempts = static_cast<std::int32_t>(attempts_);
    so_far.served_by = target().host_port;
    pipeline_->retried(*this, so_far);
  }
  const UpstreamRules rules{
      .scheme = shared_.options.scheme,
      .key = keys_ == nullptr ? std::string_view() : std::string_view(keys_->upstream),
      .upgrade = bodiless_ && asks_upgrade(exchange_->head()) && !next.to.http2};
  make_upstream_head(exchange_->head(), *this, exchange_->peer(), trace_headers_, rules, upstream_);
  const auto parts = bodiless_ ? std::span<const std::string_view>() : outgoing;
  shared_.client.start(call_, next.to, upstream_, parts, *this, &trailers_);
  pipeline_->sent(*this, shared_.worker);
}

void ProxySession::on_head(const ResponseHead& head) {
  if (head.status == 500 || (head.status >= 502 && head.status <= 504)) {
    blame("5xx", false, "status " + std::to_string(head.status));
  } else {
    praise();
  }
  const auto& retried = shared_.options.retry.statuses;
  if (retried.test(static_cast<std::size_t>(head.status)) && try_again("status")) return;
  pipeline_->response_started(*this, head.status,
                              head.fields.find("content-type").value_or(std::string_view()),
                              shared_.worker);
  make_reply(head);
  begin_restoring(head);
  exchange_->start(reply_);
}

void ProxySession::make_reply(const ResponseHead& head) {
  make_client_head(head, told_decision(), client_edits, reply_);
}

std::string ProxySession::told_decision() const {
  const bool tell = decision != nullptr && shared_.options.decision_header;
  return tell ? decision_id_text(decision->id) : std::string();
}

void ProxySession::begin_restoring(const ResponseHead& head) {
  const auto field = [&](std::string_view name) { return head.fields.find(name).value_or(""); };
  if (!may_restore_model(field("content-type"), field("content-encoding"))) return;
  restorer_.begin(request.target_model, request.model, quote_json(request.model, arena));
  // Names differ in length, and how many there are is known at the end only.
  if (restorer_.active() && exchange_->head().method != "HEAD") {
    reply_.fields.remove("content-length");
  }
}

void ProxySession::on_body(std::string_view bytes) {
  pipeline_->response_chunk(*this, bytes, false, shared_.worker);
  const std::string_view out = restorer_.pass(bytes, false);
  if (out.empty() || exchange_->write(out)) return;
  call_.pause();
  exchange_->when_writable([this] { call_.resume(); });
}

void ProxySession::on_trailers(const HttpFields& trailers) {
  reply_trailers_ = trailers;
  remove_own_trailers(reply_trailers_);
}

void ProxySession::on_end() {
  pipeline_->response_chunk(*this, {}, true, shared_.worker);
  if (const std::string_view rest = restorer_.pass({}, true); !rest.empty()) exchange_->write(rest);
  exchange_->finish(reply_trailers_);
  end(Outcome::End::finished);
}

void ProxySession::on_upgrade(const ResponseHead& head, std::unique_ptr<Stream> stream,
                              std::string_view rest) {
  praise();
  pipeline_->response_started(*this, head.status, {}, shared_.worker);
  make_reply(head);
  reply_.fields.add("Connection", "Upgrade");
  reply_.fields.add("Upgrade", head.fields.find("upgrade").value_or(std::string_view()));
  auto client = exchange_->upgrade(reply_);
  if (!client) return end(Outcome::End::client_aborted);
  client->unsent += rest;
  tunnel_ = std::make_unique<Tunnel>(
      shared_.loop,
      TunnelEnd{.stream = std::move(client->stream), .unsent = std::move(client->unsent)},
      TunnelEnd{.stream = std::move(stream), .unsent = std::move(client->received)},
      shared_.options.tunnel_idle, [this] { end(Outcome::End::finished); });
}

void ProxySession::client_gone() {
  if (with_engine_) return;  // decided() will come, and end what is left
  call_.cancel();
  end(Outcome::End::client_aborted);
}

void ProxySession::end(Outcome::End how) {
  slot_ = {};
  pipeline_->finish(*this, how, shared_.worker);
  shared_.tracer.finish(std::move(trace), !kept_by.empty());
  exchange_.reset();
  tunnel_.reset();
  pipeline_.reset();
  fleet_.reset();
  keys_.reset();
  decision.reset();
  shared_.sessions.recycle(arena, body_);
  upstream_.recycle();
  reply_.fields.recycle();
  shared_.give_back(this);
}

}  // namespace pointsman
