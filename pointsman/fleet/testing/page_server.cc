#include "pointsman/fleet/testing/page_server.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "pointsman/base/bug.h"

namespace pointsman::testing {
namespace {

int listen_on_loopback(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);  // NOLINT: the sockets API
  if (::bind(listener, generic, size) != 0 || ::listen(listener, 512) != 0 ||
      ::getsockname(listener, generic, &size) != 0) {
    bug("no socket to listen on");
  }
  port = ntohs(address.sin_port);
  return listener;
}

std::string ok(std::string_view more, std::size_t length) {
  std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n";
  head.append(more).append("Content-Length: ").append(std::to_string(length)).append("\r\n\r\n");
  return head;
}

}  // namespace

PageServer::PageServer()
    : listener_(listen_on_loopback(port_)),
      wake_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this] { run(); }) {}

PageServer::~PageServer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  set(Mode::page);
  thread_.join();
  for (const Connection& connection : open_) ::close(connection.socket);
  ::close(listener_);
  ::close(wake_);
}

void PageServer::set(Mode mode) {
  {
    const std::lock_guard lock(mutex_);
    mode_ = mode;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
}

void PageServer::set_page(std::string page) {
  const std::lock_guard lock(mutex_);
  page_ = std::move(page);
}

std::size_t PageServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t PageServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::string PageServer::last_request() const {
  const std::lock_guard lock(mutex_);
  return last_request_;
}

void PageServer::run() {
  for (;;) {
    bool deaf = false;
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      deaf = mode_ == Mode::deaf;
    }
    if (deaf) {
      for (const Connection& connection : open_) ::close(connection.socket);
      open_.clear();
      ::shutdown(listener_, SHUT_RD);  // connections are refused from now on
    }
    std::vector<pollfd> fds{{wake_, POLLIN, 0}, {deaf ? -1 : listener_, POLLIN, 0}};
    bool dripping = false;
    for (const Connection& connection : open_) {
      const bool drips = connection.mode == Mode::drip && !connection.out.empty();
      const bool sends = !drips && !connection.out.empty();
      dripping = dripping || drips;
      fds.push_back({connection.socket, static_cast<short>(POLLIN | (sends ? POLLOUT : 0)), 0});
    }
    ::poll(fds.data(), fds.size(), dripping ? 5 : -1);
    if (fds[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_, &count, sizeof count);
    }
    auto fd = fds.begin() + 2;
    for (auto at = open_.begin(); at != open_.end(); ++fd) {
      bool good = (fd->revents & (POLLIN | POLLHUP | POLLERR)) == 0 || read(*at);
      good = good && write(*at);
      if (!good) ::close(at->socket);
      at = good ? std::next(at) : open_.erase(at);
    }
    if (fds[1].revents != 0) accept_one();
  }
}

void PageServer::accept_one() {
  const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket < 0) return;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  open_.push_back({.socket = socket});
  const std::lock_guard lock(mutex_);
  ++connections_;
}

// False: the peer has gone.
bool PageServer::read(Connection& connection) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::recv(connection.socket, buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  connection.in.append(buffer.data(), static_cast<std::size_t>(got));
  const std::size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return true;
  answer(connection, connection.in.substr(0, end));
  connection.in.erase(0, end + 4);
  return true;
}

void PageServer::answer(Connection& connection, const std::string& request) {
  const std::lock_guard lock(mutex_);
  ++requests_;
  last_request_ = request;
  connection.mode = mode_;
  connection.close = false;
  switch (mode_) {
    case Mode::deaf:
    case Mode::hang:
      return;
    case Mode::page:
    case Mode::drip:
      connection.out = ok("", page_.size()) + page_;
      return;
    case Mode::closing:
      connection.out = ok("", page_.size()) + page_;
      connection.close = true;
      return;
    case Mode::error:
      connection.out = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nsorry";
      return;
    case Mode::endless:
      connection.out = "HTTP/1.1 200 OK\r\n\r\n";
      return;
    case Mode::garbage:
      connection.out = std::string("\x16\x03\x01\0 vllm:num_requests_waiting 9\r\n\r\n", 36);
      return;
    case Mode::cut:
      connection.out = ok("", 2 * page_.size() + 1) + page_;
      connection.close = true;
      return;
    case Mode::redirect:
      connection.out = request.starts_with("GET /metrics/ ")
                           ? ok("", page_.size()) + page_
                           : "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:" +
                                 std::to_string(port_) + "/metrics/\r\nContent-Length: 0\r\n\r\n";
      return;
    case Mode::gzip:
      connection.out = ok("Content-Encoding: gzip\r\n", page_.size()) + page_;
      return;
  }
}

// False: the connection is to be closed.
bool PageServer::write(Connection& connection) {
  if (connection.out.empty()) return true;
  const std::size_t most = connection.mode == Mode::drip ? 1 : connection.out.size();
  const ssize_t sent = ::send(connection.socket, connection.out.data(), most, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  connection.out.erase(0, static_cast<std::size_t>(sent));
  if (connection.mode == Mode::endless && connection.out.empty()) {
    connection.out.assign(std::size_t{1} << 20U, '#');
  }
  return !connection.out.empty() || !connection.close;
}

}  // namespace pointsman::testing
