#include "pointsman/app/epp.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/app/certificate_watch.h"
#include "pointsman/app/router.h"
#include "pointsman/edge/ext_proc/ext_proc.h"
#include "pointsman/edge/ext_proc/health.h"
#include "pointsman/wire/grpc_health.h"
#include "pointsman/wire/grpc_server.h"
#include "pointsman/wire/tls.h"

namespace pointsman {
namespace {

// The services that a list of states names.
std::vector<std::string> health_services() {
  return {std::string(kExtProcService)};
}

// What one worker serves on the ext_proc port.
struct EppWorker {
  EppWorker(Loop& loop, Router& router, std::size_t i, const ExtProcOptions& options,
            const GrpcServerOptions& server_options, const HealthState& health)
      : ext_proc(loop, router.pipelines(), router.tracer(), router.engine_worker(i), options),
        watches(health) {
    ext_proc.add_to(routes);
    add_health(routes, health, health_services(), &watches);
    server = std::make_unique<GrpcServer>(loop, routes, server_options);
  }

  ExtProc ext_proc;
  HealthWatches watches;
  GrpcRoutes routes;
  std::unique_ptr<GrpcServer> server;  // goes first: its calls end in ext_proc and watches
};

// The gRPC front: ext_proc on every worker, health on the router's own loop.
class EppFront {
 public:
  EppFront(Router& router, const EppFlags& flags) : router_(router) {
    const HealthState health = [this](std::string_view service) { return state(service); };
    const ExtProcOptions options{.emit_scores = flags.emit_endpoint_scores,
                                 .decision_header = flags.decision_header,
                                 .stream_metrics = flags.enable_grpc_stream_metrics,
                                 .memory = &router.bodies()};
    GrpcServerOptions server_options;
    server_options.limits.max_receive = static_cast<std::size_t>(flags.max_receive_bytes);
    server_options.limits.http2.refusals = &router.refusals();
    workers_.resize(router.workers().size());
    router.workers().run_on_each([&](std::size_t i, Loop& loop) {
      workers_[i] = std::make_unique<EppWorker>(loop, router, i, options, server_options, health);
    });
    add_health(health_routes_, health, health_services());
    health_server_ = std::make_unique<GrpcServer>(router.loop(), health_routes_, server_options);
  }
  ~EppFront() {
    listener_.reset();
    health_listener_.reset();
    router_.workers().run_on_each([&](std::size_t i, Loop&) { workers_[i].reset(); });
  }
  EppFront(const EppFront&) = delete;
  EppFront& operator=(const EppFront&) = delete;

  // Opens both ports. The error says which flag is concerned.
  Result<void> listen(const EppFlags& flags) {
    std::shared_ptr<TlsContext> tls;
    if (flags.secure_serving) {
      TlsServerOptions options{
          .min_version = flags.min_tls_version, .ciphers = flags.tls_cipher_suites, .alpn = {"h2"}};
      if (!flags.cert_path.empty()) {
        options.certificate_file = CertificateWatch::certificate_file(flags.cert_path);
        options.key_file = CertificateWatch::key_file(flags.cert_path);
      }
      POINTSMAN_TRY(made, TlsContext::server(std::move(options)));
      tls = std::move(made);
      if (flags.enable_cert_reload && !flags.cert_path.empty()) {
        certificate_watch_.emplace(flags.cert_path, tls, router_.log().named("tls"));
      }
    }
    std::vector<Listener::Worker> takers;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      takers.push_back({router_.workers()[i], [this, i](std::unique_ptr<Stream> stream) {
                          workers_[i]->server->serve(std::move(stream));
                        }});
    }
    POINTSMAN_TRY(
        main_listener,
        open(flags.grpc_port, {.tls = tls, .refusals = &router_.refusals()}, std::move(takers)));
    POINTSMAN_TRY(health_listener, open(flags.grpc_health_port, {.refusals = &router_.refusals()},
                                        {{router_.loop(), [this](auto stream) {
                                            health_server_->serve(std::move(stream));
                                          }}}));
    listener_ = std::move(main_listener);
    health_listener_ = std::move(health_listener);
    router_.log().info(verbosity::kInfo, "serving ext_proc",
                       {{"address", listener_->address().text()},
                        {"health", health_listener_->address().text()},
                        {"tls", flags.secure_serving}});
    return {};
  }

  RouterFront front() {
    return {.part =
                [this] {
                  router_.workers().run_on_each(
                      [&](std::size_t i, Loop&) { workers_[i]->watches.look(); });
                },
            .drain = [this](std::function<void()> done) { drain(std::move(done)); },
            .open_requests =
                [this] {
                  std::size_t open = 0;
                  router_.workers().run_on_each(
                      [&](std::size_t i, Loop&) { open += workers_[i]->server->open_calls(); });
                  return open;
                }};
  }

 private:
  // Tells the proxies to go elsewhere, lets open transactions end, then calls `done`.
  void drain(std::function<void()> done) {
    listener_.reset();
    router_.workers().drain_each(
        [this](std::size_t i, std::function<void()> one_done) {
          workers_[i]->watches.end();
          workers_[i]->server->drain(std::move(one_done));
        },
        std::move(done));
  }

  Result<std::unique_ptr<Listener>> open(int port, ListenOptions options,
                                         std::vector<Listener::Worker> takers) {
    return Listener::open(router_.loop(), Address::everywhere(static_cast<std::uint16_t>(port)),
                          std::move(options), std::move(takers));
  }

  Serving state(std::string_view service) const {
    return health_of(service, {.draining = router_.draining()});
  }

  Router& router_;
  std::vector<std::unique_ptr<EppWorker>> workers_;
  GrpcRoutes health_routes_;
  std::unique_ptr<GrpcServer> health_server_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Listener> health_listener_;
  std::optional<CertificateWatch> certificate_watch_;
};

}  // namespace

int epp(const EppFlags& flags) {
  const auto router = Router::start(
      {.flags = flags.router,
       .service = "llm-d-epp",
       .endpoints = {},
       .endpoints_file = {},
       .ignore_subset = flags.disable_endpoint_subset_filter,
       .without_endpoints = "give the configuration a file-discovery plugin and name it "
                            "in dataLayer.discovery (`pointsman epp --help` has an "
                            "example). Discovery through Kubernetes is not in this build "
                            "yet"});
  if (router == nullptr) return 1;
  if (flags.router.pool_namespace_defaulted) {
    router->log().info(verbosity::kInfo,
                       "file-discovery mode: pool namespace defaulted to default; set "
                       "--pool-namespace or NAMESPACE to name another one");
  }
  EppFront front(*router, flags);
  if (const auto open = front.listen(flags); !open) {
    router->log().error("cannot open a port (--grpc-port, --grpc-health-port) or its certificate",
                        {{"error", open.error().message}});
    return 1;
  }
  return router->run(front.front());
}

}  // namespace pointsman
