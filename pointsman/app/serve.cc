#include "pointsman/app/serve.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "pointsman/app/router.h"
#include "pointsman/edge/http/proxy.h"

namespace pointsman {
namespace {

// The HTTP front: one proxy per worker, each made, used and destroyed on its worker's loop.
class HttpFront {
 public:
  HttpFront(Router& router, const ProxyOptions& options) : router_(router) {
    proxies_.resize(router.workers().size());
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      router.workers().run_on(i, [&](Loop& loop) {
        proxies_[i] = std::make_unique<HttpProxy>(loop, router.pipelines(), router.tracer(),
                                                  router.engine_worker(i), options);
      });
    }
  }
  ~HttpFront() {
    listener_.reset();
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      router_.workers().run_on(i, [&](Loop&) { proxies_[i].reset(); });
    }
  }
  HttpFront(const HttpFront&) = delete;
  HttpFront& operator=(const HttpFront&) = delete;

  Result<Address> listen(const Address& at) {
    std::vector<Listener::Worker> takers;
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      takers.push_back({router_.workers()[i], [this, i](std::unique_ptr<Stream> s) {
                          proxies_[i]->serve(std::move(s));
                        }});
    }
    POINTSMAN_TRY(listener, Listener::open(router_.loop(), at, {.refusals = &router_.refusals()},
                                           std::move(takers)));
    listener_ = std::move(listener);
    return listener_->address();
  }

  // Stops listening, lets requests end, then calls `done` from some worker.
  void drain(std::function<void()> done) {
    listener_.reset();
    const auto left = std::make_shared<std::atomic<std::size_t>>(proxies_.size());
    const auto one_less = std::make_shared<std::function<void()>>(std::move(done));
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      router_.workers()[i].post([this, i, left, one_less] {
        proxies_[i]->drain([left, one_less] {
          if (left->fetch_sub(1) == 1) (*one_less)();
        });
      });
    }
  }

 private:
  Router& router_;
  std::vector<std::unique_ptr<HttpProxy>> proxies_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace

int serve(const ServeFlags& flags) {
  const auto router =
      Router::start({.flags = flags.router,
                     .service = "pointsman",
                     .endpoints = flags.endpoints,
                     .endpoints_file = flags.endpoints_file,
                     .without_endpoints = "give --endpoint URL for each model server, or "
                                          "--endpoints-file FILE, or a configuration with "
                                          "file-discovery"});
  if (router == nullptr) return 1;
  const Logger& log = router->log();
  const auto address = Address::parse(flags.host, static_cast<std::uint16_t>(flags.port));
  if (!address) {
    log.error("--host must be an IP address", {{"error", address.error().message}});
    return 1;
  }
  HttpFront front(*router, {.server = {.refusals = &router->refusals()}});
  const auto open = front.listen(*address);
  if (!open) {
    log.error("cannot open the port (--port)", {{"error", open.error().message}});
    return 1;
  }
  log.info(verbosity::kInfo, "serving", {{"address", open->text()}});
  return router->run([&](std::function<void()> done) { front.drain(std::move(done)); });
}

}  // namespace pointsman
