#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

class TlsContext;

// What one read() found.
struct ReadResult {
  std::size_t bytes = 0;
  bool end = false;  // the peer sends no more: `bytes` is 0
};

// A connected byte stream, plain TCP or TLS, whose user cannot tell which.
//
// It is driven by readiness: wait with when_readable(), then read() into a buffer that may be the
// loop's scratch, so that a quiet connection holds no buffer; write() at once what there is, and
// wait with when_writable() only if the kernel did not take all of it. A message thus costs one
// receive and one send, no copy and no allocation.
//
// After close() or destruction no callback runs. A callback may destroy the stream.
// Threading: the loop's thread.
class Stream {
 public:
  using Ready = std::move_only_function<void()>;

  virtual ~Stream() = default;

  // Calls `ready` once, from the loop, when read() has something to say: bytes, the end or an
  // error. One wait at a time; a later call replaces the callback of an earlier one.
  virtual void when_readable(Ready ready) = 0;
  virtual void ignore_readable() = 0;  // forgets the callback

  // In place of when_readable(), for who wants no more bytes now: calls `ready` once, from the
  // loop, when the peer has ended or broken the connection, though bytes of its are not read yet.
  // May be called after a later when_readable() too.
  virtual void when_over(Ready /*ready*/) {}

  // Calls `ready` once, from the loop, when write() can make progress again.
  virtual void when_writable(Ready ready) = 0;

  // Reads what is there, at most into.size(). No bytes and not the end: nothing there now.
  // Fewer bytes than into.size(): nothing more there now. Errors: io (reset, broken TLS).
  virtual Result<ReadResult> read(std::span<char> into) = 0;

  // Sends the parts in order as far as the kernel takes them now; says how many bytes. All of
  // them in one system call, however many parts (a TLS stream: in one system call per 128 KiB).
  // Fewer than offered: offer the rest again when writable. Errors: io.
  virtual Result<std::size_t> write(std::span<const std::string_view> parts) = 0;

  // Says to the peer that no more will be written; reading goes on.
  virtual void finish() = 0;

  // Closes at once. With `reset`, the peer learns of it as a failure rather than an orderly end.
  virtual void close(bool reset = false) = 0;

  virtual bool open() const = 0;
  virtual const Address& peer() const = 0;
  virtual std::string_view alpn() const = 0;  // protocol agreed in the TLS handshake, or ""

  virtual Loop& loop() = 0;
};

using Connected = std::move_only_function<void(Result<std::unique_ptr<Stream>>)>;

// A connection on its way. Destroying it gives up: `done` is then not called.
class Connecting {
 public:
  virtual ~Connecting() = default;
};

struct ConnectOptions {
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);  // connection and TLS handshake
  std::shared_ptr<TlsContext> tls;                             // null: plain
  std::string server_name;                                     // TLS server name to send and verify
};

// Connects to `to` and calls `done` from the loop, never before this call returns. Errors: io
// (with address and reason), timeout.
[[nodiscard]] std::unique_ptr<Connecting> connect(Loop& loop, const Address& to,
                                                  ConnectOptions options, Connected done);

}  // namespace pointsman
