#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/wire/byte_queue.h"
#include "pointsman/wire/http2_session.h"

namespace pointsman {

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
enum class GrpcStatus : std::uint8_t {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};

// What a call's peer says, as the service hears it.
class GrpcReceiver {
 public:
  virtual ~GrpcReceiver() = default;
  // One whole message, decompressed; valid during the call. May write to and finish() the call.
  virtual void received(std::string_view message) = 0;
  // No more messages. The call stays open until finish().
  virtual void half_closed() = 0;
  // The peer has gone before finish(), or broke the protocol and was told `why` and `message`: the
  // GrpcCall is not to be used any more. Not called after finish(). The receiver is destroyed soon
  // after.
  virtual void cancelled(GrpcStatus why, std::string_view message) = 0;
};

class Http2Stream;
class GrpcConnection;
struct GrpcRoute;

// The service's end of one call: any number of messages, then finish(). Usable until finish() or
// GrpcReceiver::cancelled(). What is written leaves with everything else of its loop pass.
//
// Threading: that of its connection.
class GrpcCall final : private Http2Exchange {
 public:
  // Room for one message of `n` bytes, to be encoded in place and commit()ted before anything
  // else is called on this call.
  std::span<char> reserve(std::size_t n);
  // Sends the `n` bytes reserved. REQUIRES: n is what reserve() was asked for.
  void commit(std::size_t n);
  void write(std::string_view message);

  // Ends the call. `message` goes to the peer as grpc-message.
  void finish(GrpcStatus status, std::string_view message = {});

  std::size_t queued() const;  // bytes written that have not left

 private:
  friend class GrpcConnection;
  enum class State : std::uint8_t { idle, open, finished };
  enum class Encoding : std::uint8_t { identity, gzip };

  void begin(GrpcConnection& connection, Http2Stream& stream, const GrpcRoute& route,
             Encoding encoding);
  void received(std::string_view bytes) override;
  void half_closed() override;
  void closed(bool answered) override;

  std::string_view gather(std::string_view bytes);
  bool acceptable(std::string_view prefix);
  void deliver(std::string_view framed);
  void fail(GrpcStatus status, std::string_view message);

  GrpcConnection* connection_ = nullptr;
  Http2Stream* stream_ = nullptr;
  std::unique_ptr<GrpcReceiver> receiver_;
  ByteQueue partial_;  // the beginning of a message that arrives in pieces
  State state_ = State::idle;
  Encoding encoding_ = Encoding::identity;
};

struct GrpcReply {
  GrpcStatus status = GrpcStatus::ok;
  std::string message;  // of an error
  std::string body;     // the answer's one message, if ok
};

using GrpcUnary = std::move_only_function<GrpcReply(std::string_view request) const>;
using GrpcStreaming = std::move_only_function<std::unique_ptr<GrpcReceiver>(GrpcCall&) const>;

struct GrpcRoute {
  std::string path;  // "/package.Service/Method"
  GrpcStreaming open;
};

// The methods a server offers; any other one is answered UNIMPLEMENTED.
class GrpcRoutes final {
 public:
  void unary(std::string path, GrpcUnary answer);
  // `open` makes the receiver of a new call, which keeps the reference to write to.
  void streaming(std::string path, GrpcStreaming open);

  const GrpcRoute* find(std::string_view path) const;

 private:
  std::vector<GrpcRoute> routes_;
};

}  // namespace pointsman
