#include "pointsman/sim/round_robin.h"

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace pointsman {
namespace {

constexpr std::uint64_t kMaxBody = 16UL << 20U;

}  // namespace

class RoundRobin::Trip final : public HttpSink {
 public:
  // `over` is called as the last thing, and destroys this.
  Trip(std::unique_ptr<HttpExchange> exchange, std::move_only_function<void()> over)
      : exchange_(std::move(exchange)), over_(std::move(over)) {}

  void start(HttpClient& client, const Address& server) {
    exchange_->when_gone([this] { over_(); });
    exchange_->gather_body(body_, [this, &client, server](Result<std::string_view> body) {
      if (!body) return over_();
      send(client, server, *body);
    });
  }

  void on_head(const ResponseHead& head) override {
    ResponseHead answer = head;
    remove_hop_by_hop(answer.fields);
    exchange_->start(answer);
  }

  void on_body(std::string_view bytes) override {
    if (exchange_->write(bytes)) return;
    call_.pause();
    exchange_->when_writable([this] { call_.resume(); });
  }

  void on_end() override {
    exchange_->finish();
    over_();
  }

  void on_failure(HttpFailure failure) override {
    if (exchange_->started()) {
      exchange_->abort();
    } else {
      exchange_->respond(502, failure.error.message);
    }
    over_();
  }

 private:
  void send(HttpClient& client, const Address& server, std::string_view body) {
    RequestHead head = exchange_->head();
    remove_hop_by_hop(head.fields);
    head.fields.remove("content-length");  // the client adds its own
    const std::array parts = {body};
    client.start(call_, {.address = server, .tls = {}, .host = {}}, head,
                 std::span(parts).first(body.empty() ? 0 : 1), *this);
  }

  std::unique_ptr<HttpExchange> exchange_;
  std::move_only_function<void()> over_;
  BodyBuffer body_;
  HttpCall call_;
};

RoundRobin::RoundRobin(Loop& loop, std::vector<Address> servers)
    : servers_(std::move(servers)),
      client_(loop, {}),
      http_(loop, {.body_bytes = kMaxBody},
            [this](std::unique_ptr<HttpExchange> exchange) { take(std::move(exchange)); }) {}

RoundRobin::~RoundRobin() = default;

Result<std::unique_ptr<RoundRobin>> RoundRobin::open(Loop& loop, const Address& at,
                                                     std::vector<Address> servers) {
  std::unique_ptr<RoundRobin> proxy(new RoundRobin(loop, std::move(servers)));
  const auto serve = [proxy = proxy.get()](std::unique_ptr<Stream> stream) {
    proxy->http_.serve(std::move(stream));
  };
  POINTSMAN_TRY(listener, Listener::open(loop, at, {}, {{.loop = loop, .take = serve}}));
  proxy->listener_ = std::move(listener);
  return proxy;
}

void RoundRobin::take(std::unique_ptr<HttpExchange> exchange) {
  const std::uint64_t key = next_trip_++;
  const Address& server = servers_[next_server_++ % servers_.size()];
  auto& trip = trips_[key];
  trip = std::make_unique<Trip>(std::move(exchange), [this, key] { trips_.extract(key); });
  trip->start(client_, server);
}

}  // namespace pointsman
