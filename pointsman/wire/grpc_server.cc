#include "pointsman/wire/grpc_server.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace pointsman {
namespace {

// Turns of reading or writing that one connection may take before the others have theirs.
constexpr int kTurns = 4;

}  // namespace

struct GrpcServer::State {
  State(Loop& on, const GrpcRoutes& served, const GrpcServerOptions& with)
      : loop(on), routes(served), options(with) {}

  void remove(const Peer& peer);
  void look_drained();

  Loop& loop;
  const GrpcRoutes& routes;
  GrpcServerOptions options;
  BytePool pool;
  std::vector<std::shared_ptr<Peer>> peers;
  Loop::Task drained;
};

// One connection.
struct GrpcServer::Peer : std::enable_shared_from_this<Peer> {
  Peer(State& in, std::unique_ptr<Stream> over)
      : server(in),
        stream(std::move(over)),
        grpc(std::in_place, in.routes, in.options.limits, in.pool, [this] { flush_later(); }),
        timer(in.loop, [this] { too_slow(); }) {}

  void too_slow() {
    if (!lingering) count(server.options.limits.http2.refusals, Refusal::grpc_timeout);
    server.remove(*this);
  }

  void linger() {
    lingering = true;
    stream->finish();
    timer.arm(server.options.linger);
  }

  void listen() {
    stream->when_readable([this] { read(); });
  }

  // Feeds what has arrived and sends what that made ready, in one write.
  void read() {
    if (!greeted) {
      timer.disarm();
      greeted = true;
    }
    const std::span<char> scratch = server.loop.scratch();
    for (int turn = 0; turn < kTurns; ++turn) {
      const Result<ReadResult> got = stream->read(scratch);
      if (!got || got->end) return server.remove(*this);
      if (got->bytes == 0) break;
      if (!lingering && !grpc->feed({scratch.data(), got->bytes}, Clock::now())) {
        closing = true;
        break;
      }
      if (got->bytes < scratch.size()) break;
    }
    listen();
    flush();
  }

  void flush_later() {
    if (std::exchange(flushing, true)) return;
    server.loop.defer([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->flush();
    });
  }

  void flush() {
    flushing = false;
    if (blocked || lingering || !grpc) return;
    for (int turn = 0; turn < kTurns; ++turn) {
      const std::string_view out = grpc->output();
      if (out.empty()) {
        if (closing || grpc->done()) linger();
        return;
      }
      const Result<std::size_t> taken = stream->write(std::span(&out, 1));
      if (!taken) return server.remove(*this);
      grpc->sent(*taken);
      if (*taken < out.size()) return wait_for_room();
    }
    flush_later();
  }

  void wait_for_room() {
    blocked = true;
    timer.arm(server.options.write_pause);
    stream->when_writable([this] {
      blocked = false;
      timer.disarm();
      flush();
    });
  }

  State& server;
  std::unique_ptr<Stream> stream;
  std::optional<GrpcConnection> grpc;  // until remove()
  Timer timer;                         // of the greeting, then of writes
  bool greeted = false;
  bool flushing = false;   // flush() will run at the end of this pass
  bool blocked = false;    // the kernel takes no more bytes now
  bool closing = false;    // the peer broke the protocol: flush, then close
  bool lingering = false;  // all is said; the peer's end is waited for
};

void GrpcServer::State::remove(const Peer& peer) {
  const auto at = std::ranges::find(peers, &peer, &std::shared_ptr<Peer>::get);
  if (at == peers.end()) return;
  const std::shared_ptr<Peer> last = std::exchange(*at, peers.back());
  peers.pop_back();
  last->timer.disarm();
  last->stream->close();
  last->grpc.reset();
  // It may be its own callback that removes it, so it dies when that has returned.
  loop.defer([last] {});
  look_drained();
}

void GrpcServer::State::look_drained() {
  if (drained && peers.empty()) loop.post(std::exchange(drained, nullptr));
}

GrpcServer::GrpcServer(Loop& loop, const GrpcRoutes& routes, const GrpcServerOptions& options)
    : state_(std::make_shared<State>(loop, routes, options)) {}

GrpcServer::~GrpcServer() = default;

void GrpcServer::serve(std::unique_ptr<Stream> stream) {
  const auto& peer = state_->peers.emplace_back(std::make_shared<Peer>(*state_, std::move(stream)));
  peer->timer.arm(state_->options.greeting_time);
  peer->listen();
  if (state_->drained) peer->grpc->drain();
}

void GrpcServer::drain(Loop::Task done) {
  state_->drained = std::move(done);
  for (const auto& peer : std::vector(state_->peers)) {
    if (peer->greeted) {
      peer->grpc->drain();
    } else {
      state_->remove(*peer);
    }
  }
  state_->look_drained();
}

std::size_t GrpcServer::connections() const {
  return state_->peers.size();
}

std::size_t GrpcServer::open_calls() const {
  std::size_t calls = 0;
  for (const auto& peer : state_->peers) calls += peer->grpc->open_calls();
  return calls;
}

}  // namespace pointsman
