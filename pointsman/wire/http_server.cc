#include "pointsman/wire/http_server.h"

#include <string>
#include <utility>
#include <vector>

#include "pointsman/base/bug.h"
#include "pointsman/wire/http_connection.h"

namespace pointsman {

HttpExchange::HttpExchange(HttpConnection& connection)
    : loop_(connection.loop()), connection_(&connection) {}

HttpExchange::~HttpExchange() {
  if (connection_ != nullptr) connection_->abandon();
}

void HttpExchange::gather_body(BodyBuffer& into, Gathered done) {
  if (connection_ == nullptr) return;
  into_ = &into;
  gathered_ = std::move(done);
  connection_->gather();
}

void HttpExchange::stream_body(Chunk chunk) {
  if (connection_ == nullptr) return;
  chunk_ = std::move(chunk);
  connection_->gather();
}

void HttpExchange::pause_body() {
  if (connection_ != nullptr) connection_->pause(true);
}

void HttpExchange::resume_body() {
  if (connection_ != nullptr) connection_->pause(false);
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

void HttpExchange::finish() {
  if (connection_ == nullptr) return;
  if (!started_) bug("HttpExchange::finish() before start()");
  connection_->finish();
}

void HttpExchange::abort() {
  if (connection_ != nullptr) connection_->abandon();
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
  if (!connections.empty() || !draining) return;
  if (auto done = std::exchange(drained, nullptr)) loop.defer(std::move(done));
}

HttpServer::HttpServer(Loop& loop, HttpServerOptions options, Handler handler)
    : state_(std::make_unique<State>(loop, options, std::move(handler))) {}

HttpServer::~HttpServer() {
  for (const auto& [key, connection] : state_->connections) connection->shut();
}

void HttpServer::serve(std::unique_ptr<Stream> stream) {
  if (state_->draining) return;
  auto connection = std::make_shared<HttpConnection>(*state_, std::move(stream));
  state_->connections.emplace(connection.get(), connection);
  connection->begin();
}

void HttpServer::drain(Loop::Task done) {
  state_->draining = true;
  if (state_->connections.empty()) {
    state_->loop.defer(std::move(done));
    return;
  }
  state_->drained = std::move(done);
  std::vector<std::shared_ptr<HttpConnection>> open;
  for (const auto& [key, connection] : state_->connections) open.push_back(connection);
  for (const auto& connection : open) connection->drain();
}

std::size_t HttpServer::connections() const {
  return state_->connections.size();
}

std::uint64_t HttpServer::refused() const {
  return state_->refused;
}

}  // namespace pointsman
