#include "pointsman/app/serve.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pointsman/app/certificate_watch.h"
#include "pointsman/app/key_watch.h"
#include "pointsman/app/router.h"
#include "pointsman/edge/http/endpoint_limits.h"
#include "pointsman/edge/http/forward.h"
#include "pointsman/edge/http/outliers.h"
#include "pointsman/edge/http/proxy.h"

namespace pointsman {
namespace {

constexpr auto kBodyTime = std::chrono::minutes(10);

// What all workers' proxies share, and what lives as long as they do.
struct Shared {
  explicit Shared(const ServeFlags& flags)
      : outliers(
            {.failures = static_cast<std::uint32_t>(flags.eject_after), .first = flags.eject_for}) {
    if (const auto most = static_cast<std::uint32_t>(flags.max_requests_per_endpoint)) {
      limits.emplace(most);
    }
  }

  EndpointGates gates() const {
    EndpointGates all{&outliers};
    if (limits) all.push_back(&*limits);
    return all;
  }

  Outliers outliers;
  std::optional<EndpointLimits> limits;
  std::unique_ptr<KeyWatch> keys;
  std::shared_ptr<TlsContext> tls;  // for servers that speak https; null: with what the system has
};

ProxyOptions proxy_options(const ServeFlags& flags, Shared& shared, const Logger& log) {
  ProxyOptions options;
  options.server.body_bytes = flags.max_body_bytes;
  options.server.body_time = kBodyTime;
  options.server.error_body = refusal_body;
  options.server.http2 = true;
  options.client.connect = flags.connect_timeout;
  options.client.first_byte = flags.first_byte_timeout;
  options.client.body_pause = flags.idle_timeout;
  options.client.total = flags.request_timeout;
  options.retry.most = static_cast<std::size_t>(flags.retries);
  options.retry.statuses = flags.retry_statuses;
  options.retry.timeouts = flags.retry_timeouts;
  options.outliers = &shared.outliers;
  if (shared.limits) options.limits = &*shared.limits;
  options.keys = &shared.keys->keys();
  options.models = flags.model_routing;
  options.scheme = flags.cert_path.empty() ? "http" : "https";
  options.upstream_tls = shared.tls;
  options.log = log.named("upstream");
  return options;
}

// The HTTP front: one proxy per worker, each made, used and destroyed on its worker's loop.
class HttpFront {
 public:
  HttpFront(Router& router, const ProxyOptions& options) : router_(router) {
    proxies_.resize(router.workers().size());
    router.workers().run_on_each([&](std::size_t i, Loop& loop) {
      proxies_[i] = std::make_unique<HttpProxy>(loop, router.pipelines(), router.tracer(),
                                                router.engine_worker(i), options);
    });
  }
  ~HttpFront() {
    listener_.reset();
    router_.workers().run_on_each([&](std::size_t i, Loop&) { proxies_[i].reset(); });
  }
  HttpFront(const HttpFront&) = delete;
  HttpFront& operator=(const HttpFront&) = delete;

  Result<Address> listen(const ServeFlags& flags) {
    POINTSMAN_TRY(at, Address::parse(flags.host, static_cast<std::uint16_t>(flags.port)));
    ListenOptions options{.max_connections = static_cast<std::size_t>(flags.max_connections)};
    if (!flags.cert_path.empty()) {
      POINTSMAN_TRY(tls,
                    TlsContext::server(
                        {.certificate_file = CertificateWatch::certificate_file(flags.cert_path),
                         .key_file = CertificateWatch::key_file(flags.cert_path),
                         .client_ca_file = {},
                         .ciphers = {},
                         .alpn = {"h2", "http/1.1"}}));
      options.tls = tls;
      if (flags.enable_cert_reload) {
        certificate_watch_.emplace(flags.cert_path, tls, router_.log().named("tls"));
      }
    }
    std::vector<Listener::Worker> takers;
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      takers.push_back({router_.workers()[i], [this, i](std::unique_ptr<Stream> s) {
                          proxies_[i]->serve(std::move(s));
                        }});
    }
    options.refusals = &router_.refusals();
    POINTSMAN_TRY(listener,
                  Listener::open(router_.loop(), at, std::move(options), std::move(takers)));
    listener_ = std::move(listener);
    return listener_->address();
  }

  RouterFront front() {
    return {.part =
                [this] {
                  router_.workers().run_on_each([&](std::size_t i, Loop&) { proxies_[i]->part(); });
                },
            .drain = [this](std::function<void()> done) { drain(std::move(done)); },
            .open_requests =
                [this] {
                  std::size_t open = 0;
                  router_.workers().run_on_each(
                      [&](std::size_t i, Loop&) { open += proxies_[i]->active(); });
                  return open;
                }};
  }

 private:
  // Stops listening, lets requests end, then calls `done` from some worker.
  void drain(std::function<void()> done) {
    listener_.reset();
    router_.workers().drain_each(
        [this](std::size_t i, std::function<void()> one_done) {
          proxies_[i]->drain(std::move(one_done));
        },
        std::move(done));
  }

  Router& router_;
  std::vector<std::unique_ptr<HttpProxy>> proxies_;
  std::unique_ptr<Listener> listener_;
  std::optional<CertificateWatch> certificate_watch_;
};

void add_metrics(Router& router, const Shared& shared) {
  router.metrics().add_source([&router, &shared](std::vector<Sample>& samples) {
    const auto now = Clock::now();
    Published<Fleet>::Reader fleet(router.fleet());
    for (const Endpoint& endpoint : fleet.get()->endpoints()) {
      const auto trouble = shared.outliers.trouble(endpoint.key, now);
      if (!trouble || trouble->ejections == 0) continue;
      add_count(samples, metric::kEjected, {endpoint.id}, trouble->out_for.count() > 0 ? 1 : 0);
    }
  });
}

}  // namespace

int serve(const ServeFlags& flags) {
  Log early(2, flags.router.log_threshold);  // outlives the keys' watchers, which log to it
  Shared shared(flags);
  auto keys = KeyWatch::start(flags.api_key_file, flags.upstream_api_key_file,
                              Logger(early, "router").named("keys"));
  if (!keys) {
    Logger(early, "router")
        .error("cannot read keys (--api-key-file, --upstream-api-key-file)",
               {{"error", keys.error().message}});
    return 1;
  }
  shared.keys = *std::move(keys);
  // Looked at now, though the first such server may come with a later endpoints file.
  if (!flags.upstream_ca_file.empty()) {
    auto tls = TlsContext::client({.ca_file = flags.upstream_ca_file});
    if (!tls) {
      Logger(early, "router")
          .error("cannot read certificates (--upstream-ca-file)", {{"error", tls.error().message}});
      return 1;
    }
    shared.tls = *std::move(tls);
  }
  std::optional<ModelPoller::Options> models;
  if (flags.model_routing) {
    models.emplace();
    models->tls.ca_file = flags.upstream_ca_file;
    models->key = [&shared] { return shared.keys->upstream_key(); };
  }
  const auto router =
      Router::start({.flags = flags.router,
                     .service = "pointsman",
                     .endpoints = flags.endpoints,
                     .endpoints_file = flags.endpoints_file,
                     .without_endpoints = "give --endpoint URL for each model server, or "
                                          "--endpoints-file FILE, or a configuration with "
                                          "file-discovery",
                     .gates = shared.gates(),
                     .models = std::move(models),
                     .scrape_tls = {.ca_file = flags.upstream_ca_file}});
  if (router == nullptr) return 1;
  add_metrics(*router, shared);
  const Logger& log = router->log();
  ProxyOptions options = proxy_options(flags, shared, log);
  options.server.refusals = &router->refusals();
  options.server.memory = &router->bodies();
  HttpFront front(*router, options);
  const auto open = front.listen(flags);
  if (!open) {
    log.error("cannot open the port (--port) or its certificate (--cert-path)",
              {{"error", open.error().message}});
    return 1;
  }
  log.info(verbosity::kInfo, "serving",
           {{"address", open->text()}, {"tls", !flags.cert_path.empty()}});
  return router->run(front.front());
}

}  // namespace pointsman
