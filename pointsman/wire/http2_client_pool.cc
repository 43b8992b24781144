// How an HttpClient keeps its HTTP/2 connections.

#include <algorithm>
#include <utility>

#include "pointsman/wire/http2_client_connection.h"

namespace pointsman {

std::unique_ptr<Http2ClientStream> HttpClient::State::spare_stream() {
  if (spare_streams.empty()) return std::make_unique<Http2ClientStream>(loop);
  auto spare = std::move(spare_streams.back());
  spare_streams.pop_back();
  return spare;
}

void HttpClient::State::place(std::unique_ptr<Http2ClientStream> stream, const HttpTarget& target) {
  auto& pool = http2[HttpPoolKey::of(target)];
  for (Http2ClientConnection* const connection : pool) {
    if (connection->has_room()) return connection->take(std::move(stream));
  }
  const auto made = std::make_shared<Http2ClientConnection>(*this, target);
  pool.push_back(made.get());
  http2_connections.emplace(made.get(), made);
  made->take(std::move(stream));
  made->connect();
}

void HttpClient::State::retire(Http2ClientConnection& connection) {
  const auto pool = http2.find(HttpPoolKey::of(connection.target()));
  if (pool == http2.end()) return;
  std::erase(pool->second, &connection);
  if (pool->second.empty()) http2.erase(pool);
}

void HttpClient::State::remove(Http2ClientConnection& connection) {
  http2_connections.erase(&connection);
}

void HttpClient::State::shut_http2() {
  for (const auto& [key, connection] : http2_connections) connection->shut();
}

}  // namespace pointsman
