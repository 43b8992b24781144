#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/refusals.h"
#include "pointsman/wire/stream.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

struct ListenOptions {
  std::shared_ptr<TlsContext> tls;          // null: plain
  std::size_t max_connections = 16 * 1024;  // open at one time; more wait in the kernel's queue
  std::chrono::nanoseconds handshake_timeout = std::chrono::seconds(10);  // TLS only
  RefusalCounts* refusals = nullptr;                                      // outlives the listener
};

// A listening TCP socket. Each new connection goes to the worker that holds the fewest of them.
class Listener {
 public:
  // One worker's side: `take` is called on `loop` with each connection of that worker, after the
  // TLS handshake if there is one.
  struct Worker {
    Loop& loop;
    std::function<void(std::unique_ptr<Stream>)> take;
  };

  // Binds `at` (port 0: a free one) and accepts on `loop`. Errors: io, naming address and reason.
  // The workers' loops outlive the listener and each stream.
  static Result<std::unique_ptr<Listener>> open(Loop& loop, const Address& at,
                                                ListenOptions options, std::vector<Worker> workers);

  // Stops listening. Connections already handed out live on; `take` may run for those that are
  // on their way to a worker until that worker's loop has gone round once.
  // Threading: the accepting loop's thread, or while nobody is in its run().
  ~Listener();

  const Address& address() const;  // with the port in use

  // Connections open now. Threading: any thread.
  std::size_t connections() const;
  std::size_t connections(std::size_t worker) const;

 private:
  struct Accepting;
  explicit Listener(std::shared_ptr<Accepting> accepting);

  std::shared_ptr<Accepting> accepting_;
};

}  // namespace pointsman
