#include "pointsman/wire/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <span>
#include <system_error>
#include <unistd.h>

namespace pointsman {
namespace {

// An IPv4 address within IPv6: ::ffff:a.b.c.d (RFC 4291 2.5.5.2).
constexpr std::size_t kMappedAt = 12;

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

SocketAddress::SocketAddress(const Address& address) {
  if (address.v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.ip.data(), sizeof(v6.sin6_addr));
    std::memcpy(&storage, &v6, sizeof(v6));
    size = sizeof(v6);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.data(), sizeof(v4.sin_addr));
    std::memcpy(&storage, &v4, sizeof(v4));
    size = sizeof(v4);
  }
}

SocketAddress::SocketAddress(const sockaddr& from, socklen_t length)
    : size(std::min<socklen_t>(length, sizeof(storage))) {
  std::memcpy(&storage, &from, size);
}

Address SocketAddress::address() const {
  Address out;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof(v6));
    out.port = ntohs(v6.sin6_port);
    const auto bytes = std::span(v6.sin6_addr.s6_addr);
    // A dual-stack listener sees IPv4 clients as mapped; they are IPv4 to everyone else.
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) != 0) {
      std::ranges::copy(bytes.subspan(kMappedAt), out.ip.begin());
    } else {
      std::ranges::copy(bytes, out.ip.begin());
      out.v6 = true;
    }
    return out;
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof(v4));
  out.port = ntohs(v4.sin_port);
  std::memcpy(out.ip.data(), &v4.sin_addr, sizeof(v4.sin_addr));
  return out;
}

sockaddr* SocketAddress::data() {
  return reinterpret_cast<sockaddr*>(&storage);  // NOLINT: the sockets API is made that way
}

Result<Descriptor> tcp_socket(const Address& address) {
  Descriptor fd(
      ::socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.value() < 0) return fail(Code::io, error_name(errno));
  return fd;
}

Result<void> bind_socket(const Descriptor& fd, const Address& at) {
  constexpr int kNo = 0;
  if (at.v6 && ::setsockopt(fd.value(), IPPROTO_IPV6, IPV6_V6ONLY, &kNo, sizeof(kNo)) != 0) {
    return fail(Code::io, error_name(errno));
  }
  SocketAddress bound(at);
  if (::bind(fd.value(), bound.data(), bound.size) != 0) return fail(Code::io, error_name(errno));
  return {};
}

std::string error_name(int error) {
  return std::system_category().message(error);
}

}  // namespace pointsman
