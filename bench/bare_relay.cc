// What the kernel charges for a relay: connections accepted, each joined to one to a server in
// turn, and bytes copied between the two with the three system calls that a lone message needs
// (wait, receive, send). No HTTP, no choice, no limits: the floor for a proxy, not a proxy.
//
//     pointsman_bare_relay <threads> <port> <server's port>...   on loopback; ends by a signal
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <span>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

struct Side {
  int fd;
  Side* other;
};

void must(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);  // NOLINT(concurrency-mt-unsafe): nothing to save
}

sockaddr_in loopback(const char* port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<in_port_t>(std::strtoul(port, nullptr, 10)));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

void watch(int poller, int fd, Side* side) {
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.ptr = side}};
  must(::epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

void join(int poller, int client, const sockaddr_in& to) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* const address = reinterpret_cast<const sockaddr*>(&to);
  must(server >= 0 && ::connect(server, address, sizeof to) == 0, "connect");
  auto* const front = new Side{client, nullptr};
  auto* const back = new Side{server, front};
  front->other = back;
  for (Side* const side : {front, back}) {
    const int one = 1;
    ::setsockopt(side->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::fcntl(side->fd, F_SETFL, O_NONBLOCK);
    watch(poller, side->fd, side);
  }
}

void end(Side& side) {
  for (Side* const each : {&side, side.other}) {
    ::close(each->fd);
    each->fd = -1;  // the pair is never freed: its other event may still be in hand
  }
}

bool send_all(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

void copy(Side& side, bool over, std::span<char> scratch) {
  while (side.fd >= 0) {
    const auto got = ::recv(side.fd, scratch.data(), scratch.size(), 0);
    if (got < 0) return;  // nothing more yet
    const auto bytes = scratch.first(static_cast<std::size_t>(got));
    if (got == 0 || !send_all(side.other->fd, bytes)) return end(side);
    if (bytes.size() < scratch.size() && !over) return;
  }
}

void work(const char* port, std::span<const sockaddr_in> servers, std::size_t next) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  const sockaddr_in at = loopback(port);
  must(::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "bind");
  must(::listen(listener, SOMAXCONN) == 0, "listen");
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event arrivals{.events = EPOLLIN, .data = {.ptr = nullptr}};
  must(::epoll_ctl(poller, EPOLL_CTL_ADD, listener, &arrivals) == 0, "epoll_ctl");

  std::vector<char> scratch(65'536);
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int found = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    for (const auto& event :
         std::span(events).first(static_cast<std::size_t>(std::max(found, 0)))) {
      if (auto* const side = static_cast<Side*>(event.data.ptr)) {
        copy(*side, (event.events & EPOLLRDHUP) != 0, scratch);
      } else if (const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
                 client >= 0) {
        join(poller, client, servers[next++ % servers.size()]);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::span args(argv, static_cast<std::size_t>(argc));
  if (args.size() < 4) {
    std::fputs("usage: pointsman_bare_relay <threads> <port> <server's port>...\n", stderr);
    return 2;
  }
  std::vector<sockaddr_in> servers;
  for (const char* const port : args.subspan(3)) servers.push_back(loopback(port));
  std::vector<std::jthread> workers;
  const std::size_t count = std::max(1UL, std::strtoul(args[1], nullptr, 10));
  for (std::size_t i = 1; i < count; ++i)
    workers.emplace_back([&, i] { work(args[2], servers, i); });
  work(args[2], servers, 0);
}
