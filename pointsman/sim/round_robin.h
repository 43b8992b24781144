#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/listener.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// A plain HTTP reverse proxy that takes its servers in turn, whatever they are asked: what a router
// has to beat. Requests are gathered (up to 16 MiB) and passed on, answers are streamed.
// Threading: the loop's thread.
class RoundRobin {
 public:
  // REQUIRES: servers is not empty. Errors: io, naming the address.
  static Result<std::unique_ptr<RoundRobin>> open(Loop& loop, const Address& at,
                                                  std::vector<Address> servers);
  ~RoundRobin();

  const Address& address() const { return listener_->address(); }

 private:
  class Trip;  // one request and its answer

  RoundRobin(Loop& loop, std::vector<Address> servers);
  void take(std::unique_ptr<HttpExchange> exchange);

  std::vector<Address> servers_;
  std::size_t next_server_ = 0;
  std::uint64_t next_trip_ = 0;
  HttpClient client_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Trip>> trips_;
  HttpServer http_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace pointsman
