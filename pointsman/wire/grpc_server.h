#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "pointsman/wire/grpc_call.h"
#include "pointsman/wire/grpc_connection.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/stream.h"

namespace pointsman {

struct GrpcServerOptions {
  GrpcLimits limits;
  std::chrono::nanoseconds greeting_time = std::chrono::seconds(10);  // to the first byte
  std::chrono::nanoseconds write_pause = std::chrono::seconds(60);    // a peer that reads nothing
  // After our last byte the peer gets this long to read it and close. A close while bytes of its
  // arrive would destroy what it has not yet read.
  std::chrono::nanoseconds linger = std::chrono::seconds(2);
};

// gRPC over the connections given to it. Everything that one pass of the loop has to say on a
// connection leaves in one write.
//
// Threading: its loop's thread. Destroying it closes its connections and cancels their calls.
class GrpcServer final {
 public:
  // `loop` and `routes` outlive the server. Methods that no route names are UNIMPLEMENTED.
  GrpcServer(Loop& loop, const GrpcRoutes& routes, const GrpcServerOptions& options);
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  void serve(std::unique_ptr<Stream> stream);

  // Takes no new calls, lets the open ones end, and calls `done` once, from the loop, when no
  // connection is left. How long to wait is the caller's affair: destroying the server cuts off.
  void drain(Loop::Task done);

  std::size_t connections() const;
  std::size_t open_calls() const;

 private:
  struct State;
  struct Peer;
  std::shared_ptr<State> state_;
};

}  // namespace pointsman
