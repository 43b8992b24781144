#pragma once

// Internal to wire/: one connection of an HttpClient.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pointsman/wire/http1.h"
#include "pointsman/wire/http_carrier.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/stream.h"

namespace pointsman {

class Http2ClientConnection;
class Http2ClientStream;

// What a connection can be used for.
struct HttpPoolKey {
  Address address;
  const TlsContext* tls = nullptr;
  std::string host;  // with TLS only: the name that was verified

  static HttpPoolKey of(const HttpTarget& target) {
    return {target.address, target.tls.get(), target.tls ? target.host : std::string()};
  }
  friend bool operator==(const HttpPoolKey&, const HttpPoolKey&) = default;
};

struct HttpPoolKeyHash {
  std::size_t operator()(const HttpPoolKey& key) const;
};

// The name that a server is called by in TLS.
std::string tls_server_name(const HttpTarget& target);
// Whether a request has a length even without a body.
bool needs_length(std::string_view method);
// When a limit that begins now is over; 0 is none.
Clock::time_point deadline_after(std::chrono::nanoseconds limit);

// Carries one call after the other. A sink may destroy its call or the whole client; every entry
// point therefore keeps its own reference, and looks whether the call is still there.
class HttpClientConnection final : public HttpCarrier,
                                   public std::enable_shared_from_this<HttpClientConnection> {
 public:
  HttpClientConnection(HttpClient::State& client, HttpPoolKey key, const HttpTarget& target);

  // Begins a call, on a connection that is new or idle.
  void start(HttpCall& call, const HttpTarget& target, const RequestHead& head,
             std::span<const std::string_view> body, HttpSink& sink, const HttpFields* trailers);
  void cancel() override;
  void pause() override { paused_ = true; }
  void resume() override;
  void shut();  // closes now, without a word to anybody
  const HttpPoolKey& key() const { return key_; }

 private:
  enum class Phase : std::uint8_t { connecting, waiting, body, idle, closed };

  void connected(Result<std::unique_ptr<Stream>> stream);
  void write_head(const HttpTarget& target, const RequestHead& head, std::uint64_t length,
                  const HttpFields* trailers);
  void write_tail(std::uint64_t length, const HttpFields& trailers);
  void send();
  void advance(std::size_t sent);
  bool sent_all() const { return part_ == parts_.size(); }
  void on_readable();
  void ended();
  void take(std::string_view bytes);
  bool take_head(std::string_view& bytes);
  bool take_body(std::string_view& bytes);
  bool pass_trailers();
  void wait();
  void complete();
  void hand_over(std::string_view rest);
  void fail(Code code, const std::string& what);
  void refuse(const HttpRefusal& refusal);
  void set_timer();
  void on_timer();
  void close();

  HttpClient::State& client_;
  HttpPoolKey key_;
  std::shared_ptr<TlsContext> tls_;
  std::unique_ptr<Connecting> connecting_;
  std::unique_ptr<Stream> stream_;
  Timer timer_;
  Phase phase_ = Phase::connecting;
  HttpCall* call_ = nullptr;
  HttpSink* sink_ = nullptr;
  Clock::time_point total_deadline_ = Clock::time_point::max();
  Clock::time_point phase_deadline_ = Clock::time_point::max();

  // The request: parts_[0] is text_, with trailers the last is tail_, the others are the caller's.
  std::string text_;
  std::string tail_;
  std::string method_;
  std::vector<std::string_view> parts_;
  std::size_t part_ = 0;     // the first that is not wholly sent
  std::string upgrade_;      // the protocols that the request asks for
  bool used_ = false;        // has carried a call before
  bool sending_ = false;     // waits to send more
  bool unsendable_ = false;  // the peer takes no more of the request

  // The answer.
  HeadScanner scanner_;
  ChunkDecoder decoder_;
  ResponseHead head_;
  Framing framing_;
  std::uint64_t left_ = 0;
  bool answered_ = false;  // a byte of the answer has come
  int interim_ = 0;
  bool paused_ = false;
  bool taking_ = false;  // take() is on the stack
  std::string pending_;  // came while paused
};

struct HttpClient::State {
  struct Pool {
    std::vector<HttpClientConnection*> idle;  // the last used at the back
    std::size_t open = 0;
  };

  State(Loop& on, const HttpClientOptions& with);
  ~State();

  bool may_keep(const HttpClientConnection& connection) const;
  void keep(HttpClientConnection& connection);
  void unkeep(HttpClientConnection& connection);
  void remove(HttpClientConnection& connection);

  // Of HTTP/2 (http2_client_pool.cc): gives the call to a connection that has room for it, if need
  // be a new one.
  void place(std::unique_ptr<Http2ClientStream> stream, const HttpTarget& target);
  // A call's place that nobody uses, or a new one.
  std::unique_ptr<Http2ClientStream> spare_stream();
  // It takes no more calls, or is gone.
  void retire(Http2ClientConnection& connection);
  void remove(Http2ClientConnection& connection);
  void shut_http2();

  Loop& loop;
  HttpClientOptions options;
  std::unordered_map<HttpPoolKey, Pool, HttpPoolKeyHash> pools;
  std::unordered_map<HttpClientConnection*, std::shared_ptr<HttpClientConnection>> connections;
  std::unordered_map<HttpPoolKey, std::vector<Http2ClientConnection*>, HttpPoolKeyHash> http2;
  std::unordered_map<Http2ClientConnection*, std::shared_ptr<Http2ClientConnection>>
      http2_connections;
  std::vector<std::unique_ptr<Http2ClientStream>> spare_streams;
  std::size_t kept = 0;
  std::uint64_t connected = 0;
};

}  // namespace pointsman
