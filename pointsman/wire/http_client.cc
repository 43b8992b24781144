#include "pointsman/wire/http_client.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/wire/http2_client_connection.h"
#include "pointsman/wire/http_client_connection.h"

namespace pointsman {

std::size_t HttpPoolKeyHash::operator()(const HttpPoolKey& key) const {
  const std::string_view ip(reinterpret_cast<const char*>(key.address.ip.data()),  // NOLINT: bytes
                            key.address.ip.size());
  return std::hash<std::string_view>()(ip) ^ (std::size_t{key.address.port} << 16U) ^
         std::hash<const void*>()(key.tls) ^ std::hash<std::string>()(key.host);
}

bool HttpClient::State::may_keep(const HttpClientConnection& connection) const {
  return pools.find(connection.key())->second.idle.size() < options.kept_per_target;
}

void HttpClient::State::keep(HttpClientConnection& connection) {
  Pool& pool = pools.find(connection.key())->second;
  pool.idle.push_back(&connection);
  ++kept;
}

void HttpClient::State::unkeep(HttpClientConnection& connection) {
  kept -= std::erase(pools.find(connection.key())->second.idle, &connection);
}

void HttpClient::State::remove(HttpClientConnection& connection) {
  const auto pool = pools.find(connection.key());
  if (--pool->second.open == 0) pools.erase(pool);
  // The connection is on the stack, and holds itself.
  connections.erase(&connection);
}

void HttpCall::cancel() {
  if (carrier_ != nullptr) carrier_->cancel();
}

void HttpCall::pause() {
  if (carrier_ != nullptr) carrier_->pause();
}

void HttpCall::resume() {
  if (carrier_ != nullptr) carrier_->resume();
}

HttpClient::HttpClient(Loop& loop, HttpClientOptions options)
    : state_(std::make_unique<State>(loop, options)) {}

HttpClient::State::State(Loop& on, const HttpClientOptions& with) : loop(on), options(with) {}

HttpClient::State::~State() = default;

HttpClient::~HttpClient() {
  for (const auto& [key, connection] : state_->connections) connection->shut();
  state_->shut_http2();
}

void HttpClient::start(HttpCall& call, const HttpTarget& target, const RequestHead& head,
                       std::span<const std::string_view> body, HttpSink& sink,
                       const HttpFields* trailers) {
  if (call.active()) bug("HttpClient::start() with a call that is active");
  if (trailers != nullptr && trailers->empty()) trailers = nullptr;
  if (target.http2) {
    auto stream = state_->spare_stream();
    stream->begin(call, target, head, body, sink, trailers, state_->options);
    state_->place(std::move(stream), target);
    return;
  }
  HttpPoolKey key = HttpPoolKey::of(target);
  const auto pool = state_->pools.try_emplace(key).first;
  std::vector<HttpClientConnection*>& idle = pool->second.idle;
  if (!idle.empty()) {
    HttpClientConnection& connection = *idle.back();
    idle.pop_back();
    --state_->kept;
    connection.start(call, target, head, body, sink, trailers);
    return;
  }
  ++pool->second.open;
  auto connection = std::make_shared<HttpClientConnection>(*state_, std::move(key), target);
  state_->connections.emplace(connection.get(), connection);
  connection->start(call, target, head, body, sink, trailers);
}

std::size_t HttpClient::kept() const {
  return state_->kept;
}

std::uint64_t HttpClient::connected() const {
  return state_->connected;
}

}  // namespace pointsman
