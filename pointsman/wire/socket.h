#pragma once

// Internal to wire/*.cc.

#include <sys/socket.h>
#include <utility>

#include "pointsman/base/result.h"
#include "pointsman/wire/address.h"

namespace pointsman {

// A file descriptor that somebody owns.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int value() const { return fd_; }

 private:
  int fd_;
};

// An address as the kernel takes it.
struct SocketAddress {
  SocketAddress() = default;
  explicit SocketAddress(const Address& address);
  SocketAddress(const sockaddr& from, socklen_t length);

  Address address() const;
  sockaddr* data();

  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
};

// A TCP socket for this kind of address that never blocks. Errors: io.
Result<Descriptor> tcp_socket(const Address& address);

// Binds `fd`; one bound to [::] takes IPv4 connections too. Errors: io.
Result<void> bind_socket(const Descriptor& fd, const Address& at);

// What the kernel calls this error.
std::string error_name(int error);

}  // namespace pointsman
