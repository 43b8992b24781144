// What a streamed chunk costs a reverse proxy: CPU of its one worker thread, system calls
// included, per 200-byte chunk received from the model server and sent on. Server and client are
// another thread, on loopback sockets.
#include <ctime>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "pointsman/wire/listener.h"
#include "pointsman/wire/testing/relay.h"

namespace pointsman {
namespace {

constexpr std::size_t kChunk = 200;

struct CountingSink final : HttpSink {
  void on_head(const ResponseHead&) override {}
  void on_body(std::string_view bytes) override { *bytes_seen += bytes.size(); }
  void on_end() override {}
  void on_failure(HttpFailure) override {}
  std::size_t* bytes_seen = nullptr;
};

// The relay on worker 0; upstream server and client on the bench's own loop.
struct Rig {
  explicit Rig(std::size_t streams)
      : upstream(loop, {},
                 [this](std::unique_ptr<HttpExchange> exchange) {
                   exchange->start({});
                   open.push_back(std::move(exchange));
                 }),
        back(*Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                             {{loop, [this](auto s) { upstream.serve(std::move(s)); }}})),
        client(loop, {}),
        calls(streams),
        sinks(streams) {
    workers.run_on(0, [&](Loop& on) {
      relay = std::make_unique<testing::Relay>(on, HttpTarget{.address = back->address()});
      front = *Listener::open(on, *Address::parse("127.0.0.1:0"), {},
                              {{on, [this](auto s) { relay->serve(std::move(s)); }}});
    });
    for (std::size_t i = 0; i < streams; ++i) {
      sinks[i].bytes_seen = &seen;
      client.start(calls[i], {.address = front->address()}, {}, {}, sinks[i]);
    }
    loop.run_until([&] { return open.size() == streams; });
  }
  ~Rig() {
    workers.run_on(0, [&](Loop&) {
      front.reset();
      relay.reset();
    });
  }

  double cpu_seconds() {
    timespec used{};
    workers.run_on(0, [&](Loop&) { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used); });
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
  }

  // Sends a chunk on each of `n` streams and waits until the client has all of them.
  void pass(std::size_t n) {
    const std::size_t goal = seen + n * kChunk;
    for (std::size_t i = 0; i < n; ++i) open[next++ % open.size()]->write(chunk);
    loop.run_until([&] { return seen == goal; });
  }

  Loop loop;
  Workers workers{1};
  std::vector<std::unique_ptr<HttpExchange>> open;
  HttpServer upstream;
  std::unique_ptr<Listener> back;
  std::unique_ptr<testing::Relay> relay;
  std::unique_ptr<Listener> front;
  HttpClient client;
  std::vector<HttpCall> calls;
  std::vector<CountingSink> sinks;
  std::size_t seen = 0;
  std::size_t next = 0;
  const std::string chunk = std::string(kChunk, 'x');
};

// range(0): how many chunks are on their way at a time; 1 is a token that comes alone.
void relay_chunk(benchmark::State& state) {
  Rig rig(64);
  const auto at_once = static_cast<std::size_t>(state.range(0));
  for (int i = 0; i < 100; ++i) rig.pass(at_once);
  const double before = rig.cpu_seconds();
  for (auto _ : state) rig.pass(at_once);
  const double used = rig.cpu_seconds() - before;
  const auto chunks = static_cast<double>(state.iterations()) * static_cast<double>(at_once);
  state.counters["cpu_us_per_chunk"] = used * 1e6 / chunks;
}
BENCHMARK(relay_chunk)->Name("RelayChunk")->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace pointsman
