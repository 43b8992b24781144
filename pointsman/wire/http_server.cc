#include "pointsman/wire/http_server.h"

#include <string>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/wire/http2_connection.h"
#include "pointsman/wire/http_connection.h"

namespace pointsman {

HttpExchange::~HttpExchange() {
  if (connection_ != nullptr) connection_->abandon();
}

void HttpExchange::gather_body(BodyBuffer& into, Gathered done) {
  if (connection_ == nullptr) return;
  into_ = &into;
  gathered_ = std::move(done);
  connection_->gather();
}

// The callbacks are moved out before they run: they may destroy the exchange, which holds them.

void HttpExchange::body_ended() {
  if (auto done = std::exchange(gathered_, nullptr)) done(into_->view());
}

void HttpExchange::body_failed(Code code, std::string_view why) {
  if (auto done = std::exchange(gathered_, nullptr)) done(fail(code, std::string(why)));
}

void HttpExchange::lost() {
  connection_ = nullptr;
  if (gathered_) return body_failed(Code::cancelled, "the client went away");
  if (auto gone = std::exchange(gone_, nullptr)) gone();
}

void HttpExchange::respond(ResponseHead head, std::string_view body) {
  if (connection_ == nullptr) return;
  head.fields.set("Content-Length", std::to_string(body.size()));
  start(head);
  write(body);
  finish();
}

void HttpExchange::respond(int status, std::string_view message) {
  ResponseHead head{.status = status};
  head.fields.add("Content-Type", "text/plain; charset=utf-8");
  respond(std::move(head), std::string(message) + '\n');
}

void HttpExchange::start(const ResponseHead& head) {
  if (started_) bug("HttpExchange::start() twice");
  if (connection_ != nullptr) connection_->start(head);
}

bool HttpExchange::write(std::span<const std::string_view> parts) {
  if (connection_ == nullptr) return true;
  if (!started_) bug("HttpExchange::write() before start()");
  return connection_->write(parts);
}

void HttpExchange::finish(const HttpFields& trailers) {
  if (connection_ == nullptr) return;
  if (!started_) bug("HttpExchange::finish() before start()");
  connection_->finish(trailers);
}

void HttpExchange::abort() {
  if (connection_ != nullptr) connection_->abandon();
}

std::optional<HttpExchange::Released> HttpExchange::upgrade(const ResponseHead& head) {
  if (started_) bug("HttpExchange::upgrade() after start()");
  if (connection_ == nullptr) return std::nullopt;
  return connection_->release(head);
}

void HttpExchange::when_writable(Loop::Task ready) {
  if (connection_ == nullptr) return;
  writable_ = std::move(ready);
  connection_->flush_soon();
}

std::size_t HttpExchange::unsent() const {
  return connection_ == nullptr ? 0 : connection_->unsent();
}

void HttpExchange::when_gone(Loop::Task gone) {
  gone_ = std::move(gone);
}

void HttpServer::State::remove(HttpConnection& connection) {
  const auto node = connections.extract(&connection);
  look_drained();
}

void HttpServer::State::remove(Http2Connection& connection) {
  const auto node = http2.extract(&connection);
  look_drained();
}

void HttpServer::State::look_drained() {
  if (!connections.empty() || !http2.empty() || !draining) return;
  if (auto done = std::exchange(drained, nullptr)) loop.defer(std::move(done));
}

void HttpServer::State::serve_http2(std::unique_ptr<Stream> stream, std::string_view first) {
  auto connection = std::make_shared<Http2Connection>(*this, std::move(stream));
  http2.emplace(connection.get(), connection);
  if (parting || draining) connection->drain();
  connection->begin(first);
}

HttpServer::HttpServer(Loop& loop, HttpServerOptions options, Handler handler)
    : state_(std::make_unique<State>(loop, options, std::move(handler))) {}

HttpServer::~HttpServer() {
  for (const auto& [key, connection] : state_->connections) connection->shut();
  for (const auto& [key, connection] : state_->http2) connection->shut();
}

void HttpServer::serve(std::unique_ptr<Stream> stream) {
  if (state_->draining) return;
  if (state_->options.http2 && stream->alpn() == "h2") {
    return state_->serve_http2(std::move(stream), {});
  }
  auto connection = std::make_shared<HttpConnection>(*state_, std::move(stream));
  state_->connections.emplace(connection.get(), connection);
  connection->begin();
}

void HttpServer::part() {
  state_->parting = true;
  for (const auto& [key, connection] : state_->connections) connection->part();
  for (const auto& [key, connection] : state_->http2) connection->drain();
}

void HttpServer::drain(Loop::Task done) {
  state_->draining = true;
  state_->drained = std::move(done);
  for (const auto& [key, connection] : state_->connections) connection->drain();
  for (const auto& [key, connection] : state_->http2) connection->drain();
  state_->look_drained();
}

std::size_t HttpServer::connections() const {
  return state_->connections.size() + state_->http2.size();
}

}  // namespace pointsman
