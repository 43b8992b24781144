// What a streamed message costs the server: CPU of its one worker thread, system calls included,
// per 1 KiB message received and answered. The client is another thread on a loopback socket.
#include <array>
#include <ctime>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "pointsman/base/bug.h"
#include "pointsman/wire/grpc_server.h"
#include "pointsman/wire/listener.h"
#include "pointsman/wire/testing/http2_client.h"

namespace pointsman {
namespace {

constexpr std::size_t kMessage = 1024;
constexpr int kStreams = 64;

class Echo final : public GrpcReceiver {
 public:
  explicit Echo(GrpcCall& call) : call_(call) {}
  void received(std::string_view message) override { call_.write(message); }
  void half_closed() override { call_.finish(GrpcStatus::ok); }
  void cancelled(GrpcStatus, std::string_view) override {}

 private:
  GrpcCall& call_;
};

double thread_seconds(Workers& workers) {
  timespec used{};
  workers.run_on(0, [&](Loop&) { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used); });
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

// One connection with kStreams open calls to an echo server on a worker of its own.
class Rig {
 public:
  Rig() : framed_(5, '\0') {
    framed_[3] = static_cast<char>(kMessage >> 8U);
    framed_.append(kMessage, 'm');
    routes_.streaming("/echo", [](GrpcCall& call) { return std::make_unique<Echo>(call); });
    workers_.run_on(0, [&](Loop& loop) {
      server_ = std::make_unique<GrpcServer>(loop, routes_, GrpcServerOptions{});
      listener_ = *Listener::open(
          loop, *Address::parse("127.0.0.1", 0), {},
          {{loop, [this](std::unique_ptr<Stream> stream) { server_->serve(std::move(stream)); }}});
    });
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{.sin_family = AF_INET,
                   .sin_port = htons(listener_->address().port),
                   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                   .sin_zero = {}};
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) bug("connect");
    for (int i = 0; i < kStreams; ++i) ids_.push_back(client_.post("/echo"));
    exchange(kStreams);
  }
  ~Rig() {
    ::close(fd_);
    workers_.run_on(0, [&](Loop&) {
      listener_.reset();
      server_.reset();
    });
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // Sends one message on each of the next `n` streams and waits for the answers.
  void exchange(int n) {
    std::size_t expected = 0;
    for (int i = 0; i < n; ++i) {
      const std::int32_t id = ids_[next_++ % ids_.size()];
      client_.answer(id).body.clear();
      client_.write(id, framed_);
      expected += framed_.size();
    }
    while (expected > received(n)) {
      send();  // the messages; later, room in the window for more answers
      const ssize_t got = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) bug("recv");
      client_.feed({buffer_.data(), static_cast<std::size_t>(got)});
    }
  }

  Workers& workers() { return workers_; }

 private:
  void send() {
    const std::string out = client_.output();
    if (out.empty()) return;
    if (::send(fd_, out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) bug("send");
  }

  std::size_t received(int n) {
    std::size_t all = 0;
    for (std::size_t i = next_ - static_cast<std::size_t>(n); i < next_; ++i) {
      all += client_.answer(ids_[i % ids_.size()]).body.size();
    }
    return all;
  }

  GrpcRoutes routes_;
  Workers workers_{1};
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<Listener> listener_;
  Http2Client client_;
  std::string framed_;
  std::vector<std::int32_t> ids_;
  std::size_t next_ = 0;
  std::array<char, 65536> buffer_{};
  int fd_ = -1;
};

// `range(0)`: messages in flight together. 1 is a lone message, which wakes the server each time.
void grpc_message_pair(benchmark::State& state) {
  Rig rig;
  const auto together = static_cast<int>(state.range(0));
  const double before = thread_seconds(rig.workers());
  for (auto _ : state) {
    rig.exchange(together);
    if (together == 1) {
      const timespec pause{.tv_sec = 0, .tv_nsec = 100'000};
      nanosleep(&pause, nullptr);
    }
  }
  const double used = thread_seconds(rig.workers()) - before;
  const auto messages = static_cast<double>(state.iterations()) * together;
  state.counters["server_us_per_message"] = used / messages * 1e6;
}
BENCHMARK(grpc_message_pair)->Name("GrpcMessagePair")->Arg(1)->Arg(8)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace pointsman
