#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/wire/byte_queue.h"
#include "pointsman/wire/grpc_call.h"
#include "pointsman/wire/http2_session.h"

namespace pointsman {

struct GrpcLimits {
  Http2Limits http2;
  std::size_t max_receive = std::size_t{4} << 20U;  // bytes of one message, after decompression
};

// The gRPC protocol on one HTTP/2 connection, without a socket: framing, statuses, compressed
// input. github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Deadlines are left to the
// clients that set them, which cancel the call.
//
// Threading and reentrancy: as Http2Session.
class GrpcConnection final : private Http2Acceptor {
 public:
  // `routes` and `pool` outlive the connection. `output_ready`: see Http2Acceptor.
  GrpcConnection(const GrpcRoutes& routes, const GrpcLimits& limits, BytePool& pool,
                 std::move_only_function<void()> output_ready);
  ~GrpcConnection();
  GrpcConnection(const GrpcConnection&) = delete;
  GrpcConnection& operator=(const GrpcConnection&) = delete;

  Result<void> feed(std::string_view bytes, Clock::time_point now) {
    return session_.feed(bytes, now);
  }
  std::string_view output() { return session_.output(); }
  void sent(std::size_t n) { session_.sent(n); }
  void drain() { session_.drain(); }
  bool done() const { return session_.done(); }
  std::size_t open_calls() const { return session_.open_streams(); }

 private:
  friend class GrpcCall;
  class Refused;

  Http2Exchange& accept(Http2Stream& stream, std::span<const Http2Field> fields) override;
  void output_ready() override { output_ready_(); }
  Http2Exchange& refuse(Http2Stream& stream, std::string_view status);
  GrpcCall& take();
  void put_back(GrpcCall& call) { spare_.push_back(&call); }

  const GrpcRoutes& routes_;
  GrpcLimits limits_;
  BytePool& pool_;
  std::move_only_function<void()> output_ready_;
  std::deque<GrpcCall> calls_;
  std::vector<GrpcCall*> spare_;
  std::deque<Refused> refused_;
  std::vector<Refused*> spare_refused_;
  Http2Session session_;  // last: it closes the calls when it goes
};

}  // namespace pointsman
