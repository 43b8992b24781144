#pragma once

// Internal to wire/*.cc: it names Boost.Asio.

#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include "pointsman/wire/stream.h"

namespace pointsman {

// A file descriptor that somebody owns.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int release() { return std::exchange(fd_, -1); }
  int value() const { return fd_; }

 private:
  int fd_;
};

// Plain TCP. Readiness comes from Asio's reactor, bytes go straight to the kernel.
class TcpStream final : public Stream {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                                  boost::asio::io_context::executor_type>;

  // Takes a connected socket. `token` is let go when the stream closes.
  TcpStream(Loop& loop, Socket socket, const Address& peer, std::shared_ptr<void> token = nullptr);
  static Result<std::unique_ptr<TcpStream>> adopt(Loop& loop, Descriptor fd, const Address& peer,
                                                  std::shared_ptr<void> token);
  ~TcpStream() override;

  void when_readable(Ready ready) override;
  void ignore_readable() override;
  void when_writable(Ready ready) override;
  Result<ReadResult> read(std::span<char> into) override;
  Result<std::size_t> write(std::span<const std::string_view> parts) override;
  void finish() override;
  void close(bool reset) override;
  bool open() const override;
  const Address& peer() const override { return peer_; }
  std::string_view alpn() const override { return {}; }
  Loop& loop() override { return loop_; }

 private:
  struct Watch;  // what outlives the stream while the reactor still knows of it

  std::unexpected<Error> failure(const char* what) const;

  Loop& loop_;
  Address peer_;
  std::shared_ptr<Watch> watch_;
  std::shared_ptr<void> token_;
};

}  // namespace pointsman
