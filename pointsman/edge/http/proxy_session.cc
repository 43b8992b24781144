#include "pointsman/edge/http/proxy_session.h"

#include <span>
#include <utility>

#include "pointsman/edge/http/forward.h"
#include "pointsman/engine/error_text.h"
#include "pointsman/engine/request_id.h"

namespace pointsman {

void ProxySession::start(std::unique_ptr<HttpExchange> exchange) {
  reset();
  restorer_.reset();
  attempts_ = 0;
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
  bodiless_ = exchange_->body_size() == 0;
  if (!bodiless_) {
    exchange_->gather_body(body_, [this](Result<std::string_view> whole) { gathered(whole); });
    return;
  }
  fleet_ = shared_.worker.fleet.get();
  const auto endpoint = pipeline_->any_endpoint(*this, *fleet_, shared_.worker);
  if (!endpoint) return refuse(endpoint.error());
  body_.clear();
  tried_[0] = *endpoint;
  if (!attempt()) unreachable();
}

void ProxySession::gathered(const Result<std::string_view>& whole) {
  if (!whole) {
    // The client has its answer already.
    error_code = code_name(whole.error().code);
    return end(Outcome::End::rejected);
  }
  body = *whole;
  with_engine_ = true;
  pipeline_->run(pipeline_, *this, shared_.worker);
}

void ProxySession::decided(const Result<void>& outcome) {
  with_engine_ = false;
  if (exchange_->is_gone()) return end(Outcome::End::client_aborted);
  if (!outcome) return refuse(outcome.error());
  fleet_ = decision->fleet;
  if (!attempt()) unreachable();
}

void ProxySession::unreachable() {
  refuse({Code::bad_gateway, "no endpoint of this decision can be connected to"},
         Outcome::End::upstream_failed);
}

void ProxySession::refuse(const Error& error, Outcome::End how) {
  error_code = code_name(error.code);
  reply_ = {};
  reply_.status = http_status(error.code);
  reply_.fields.add("Content-Type", "application/json");
  if (!error.drop_reason.empty()) {
    reply_.fields.add("x-llm-d-request-dropped-reason", error.drop_reason);
  }
  if (decision != nullptr && shared_.options.decision_header) {
    reply_.fields.add("x-pointsman-decision", decision_id_text(decision->id));
  }
  exchange_->respond(std::move(reply_), error_body(error));
  end(how);
}

bool ProxySession::attempt() {
  if (!bodiless_) {
    const auto next = attempts_ == kMaxAttempts
                          ? std::nullopt
                          : next_endpoint(*decision, std::span(tried_).first(attempts_));
    if (!next) return false;
    tried_[attempts_] = *next;
  } else if (attempts_ > 0) {
    return false;
  }
  const Endpoint& endpoint = (*fleet_)[tried_[attempts_++]];
  if (attempts_ > 1) {
    Outcome so_far = decision->outcome;
    so_far.attempts = static_cast<std::int32_t>(attempts_);
    so_far.served_by = endpoint.host_port;
    pipeline_->retried(*this, so_far);
  }
  const std::uint16_t port = bodiless_ ? endpoint.port : decision->port_of(tried_[attempts_ - 1]);
  const auto address = Address::parse(endpoint.address, port);
  if (!address) return attempt();
  Result<std::shared_ptr<TlsContext>> tls = nullptr;
  if (endpoint.tls) tls = shared_.upstream_tls();
  if (!tls) return false;
  make_upstream_head(exchange_->head(), *this, exchange_->peer(), trace_headers_, upstream_);
  const HttpTarget target{
      .address = *address, .tls = *tls, .host = endpoint.tls ? endpoint.host : std::string()};
  const auto parts = bodiless_ ? std::span<const std::string_view>() : outgoing;
  shared_.client.start(call_, target, upstream_, parts, *this);
  pipeline_->sent(*this, shared_.worker);
  return true;
}

void ProxySession::on_head(const ResponseHead& head) {
  pipeline_->response_started(*this, head.status,
                              head.fields.find("content-type").value_or(std::string_view()),
                              shared_.worker);
  const bool tell = decision != nullptr && shared_.options.decision_header;
  make_client_head(head, tell ? decision_id_text(decision->id) : std::string(), client_edits,
                   reply_);
  begin_restoring(head);
  exchange_->start(reply_);
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

void ProxySession::on_end() {
  pipeline_->response_chunk(*this, {}, true, shared_.worker);
  if (const std::string_view rest = restorer_.pass({}, true); !rest.empty()) exchange_->write(rest);
  exchange_->finish();
  end(Outcome::End::finished);
}

void ProxySession::on_failure(HttpFailure failure) {
  using Phase = HttpFailure::Phase;
  const bool untouched = failure.phase == Phase::connecting || failure.phase == Phase::stale;
  if (untouched && attempt()) return;
  if (exchange_->started()) {
    exchange_->abort();
    return end(Outcome::End::upstream_failed);
  }
  const Code code = failure.error.code == Code::timeout ? Code::timeout : Code::bad_gateway;
  const Endpoint& endpoint = (*fleet_)[tried_[attempts_ - 1]];
  refuse({code, "model server " + endpoint.id + " (" + endpoint.host_port +
                    "): " + failure.error.message},
         Outcome::End::upstream_failed);
}

void ProxySession::client_gone() {
  if (with_engine_) return;  // decided() will come, and end what is left
  call_.cancel();
  end(Outcome::End::client_aborted);
}

void ProxySession::end(Outcome::End how) {
  pipeline_->finish(*this, how, shared_.worker);
  shared_.tracer.finish(std::move(trace), !kept_by.empty());
  exchange_.reset();
  pipeline_.reset();
  fleet_.reset();
  decision.reset();
  body_.recycle();
  shared_.give_back(this);
}

}  // namespace pointsman
