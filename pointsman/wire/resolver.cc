#include "pointsman/wire/resolver.h"

#include <cerrno>
#include <memory>
#include <netdb.h>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/wire/address.h"
#include "pointsman/wire/loop_core.h"
#include "pointsman/wire/socket.h"

namespace pointsman {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<std::vector<Address>> look_up(const HostPort& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int status = ::getaddrinfo(host.host.c_str(), nullptr, &hints, &list);
  const int system_error = errno;
  const std::unique_ptr<addrinfo, FreeAddresses> found(list);
  if (status != 0) {
    return fail(Code::io, "cannot resolve " + host.host + ": " +
                              (status == EAI_SYSTEM ? error_name(system_error)
                                                    : std::string(::gai_strerror(status))));
  }
  std::vector<Address> addresses;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    addresses.push_back(SocketAddress(*at->ai_addr, at->ai_addrlen).address());
    addresses.back().port = host.port;
  }
  if (addresses.empty()) return fail(Code::io, "cannot resolve " + host.host + ": no address");
  return addresses;
}

}  // namespace

Resolver::Resolver() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Resolver::ask(Question question) {
  {
    const std::lock_guard lock(lock_);
    questions_.push_back(std::move(question));
  }
  asked_.notify_one();
}

void Resolver::run(const std::stop_token& stop) {
  std::unique_lock lock(lock_);
  while (asked_.wait(lock, stop, [this] { return !questions_.empty(); }) &&
         !stop.stop_requested()) {
    Question question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    question();
    question = nullptr;
    lock.lock();
  }
}

void resolve(Loop& loop, const HostPort& host,
             std::move_only_function<void(Result<std::vector<Address>>)> done) {
  if (const auto address = Address::parse(host.host, host.port)) {
    loop.post(
        [done = std::move(done), address = *address]() mutable { done(std::vector{address}); });
    return;
  }
  loop.core().resolver().ask([&loop, host, done = std::move(done)]() mutable {
    loop.post(
        [result = look_up(host), done = std::move(done)]() mutable { done(std::move(result)); });
  });
}

}  // namespace pointsman
