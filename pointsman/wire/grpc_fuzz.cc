// Fuzz target: any bytes as an HTTP/2 connection that carries gRPC calls, in one piece and in many.
// Every call that was opened must be closed, and no message may be larger than the limit.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "pointsman/base/bug.h"
#include "pointsman/wire/grpc_connection.h"
#include "pointsman/wire/grpc_health.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxReceive = 4096;

class Echo final : public GrpcReceiver {
 public:
  Echo(GrpcCall& call, int& open) : call_(call), open_(open) { ++open_; }
  ~Echo() override { --open_; }
  void received(std::string_view message) override {
    if (message.size() > kMaxReceive) bug("a message over the limit");
    call_.write(message);
  }
  void half_closed() override { call_.finish(GrpcStatus::ok); }
  void cancelled(GrpcStatus, std::string_view) override {}

 private:
  GrpcCall& call_;
  int& open_;
};

void hear(std::string_view bytes, std::size_t piece) {
  // The client's preface, then a SETTINGS frame without settings: what follows is the fuzzer's.
  constexpr std::string_view kGreeting{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};
  int open = 0;
  {
    const auto state = [](std::string_view) { return Serving::serving; };
    HealthWatches watches(state);
    GrpcRoutes routes;
    routes.streaming("/e", [&](GrpcCall& call) { return std::make_unique<Echo>(call, open); });
    add_health(routes, state, {"a"}, &watches);
    BytePool pool;
    GrpcConnection connection(routes, {.max_receive = kMaxReceive}, pool, [] {});
    const Clock::time_point now{};
    bool good = connection.feed(kGreeting, now).has_value();
    for (std::size_t at = 0; good && at < bytes.size(); at += piece) {
      good = connection.feed(bytes.substr(at, piece), now).has_value();
      for (auto out = connection.output(); !out.empty(); out = connection.output()) {
        connection.sent(out.size());
      }
      watches.look();
    }
    if (bytes.size() % 2 == 0) watches.end();
  }
  if (open != 0) bug("a call was not closed");
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  pointsman::hear(bytes, bytes.size() + 1);
  pointsman::hear(bytes, 1 + data[0] % 16U);
  return 0;
}
