#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/app/reload_metric.h"
#include "pointsman/app/router_flags.h"
#include "pointsman/base/published.h"
#include "pointsman/base/result.h"
#include "pointsman/engine/pipeline.h"
#include "pointsman/fleet/fleet_service.h"
#include "pointsman/fleet/model_poller.h"
#include "pointsman/record/decision_ring.h"
#include "pointsman/record/record_writer.h"
#include "pointsman/record/tap_hub.h"
#include "pointsman/stage/endpoint_gate.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/telemetry/tracer.h"
#include "pointsman/wire/byte_budget.h"
#include "pointsman/wire/listener.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/refusals.h"

namespace pointsman {

class AdminServer;
class FileWatcher;
class ResourceFile;

// What `serve` and `epp` ask of the parts they share.
struct RouterSetup {
  const RouterFlags& flags;
  std::string service;                 // service.name of traces
  std::vector<std::string> endpoints;  // --endpoint URLs
  std::string endpoints_file;          // --endpoints-file
  bool ignore_subset = false;
  std::string_view without_endpoints;  // what to do when nothing says where the endpoints are
  EndpointGates gates;
  // Set: requests go to endpoints that serve their model, and these are asked for it.
  std::optional<ModelPoller::Options> models = {};
  // How metrics pages over https are checked, by sources that do not say.
  TlsClientOptions scrape_tls = {.verify = false};
};

// What a front does when the router stops. Threading: called on the router's loop.
struct RouterFront {
  // Tells clients that the router is not ready any more, so that they go elsewhere.
  std::function<void()> part = {};
  // Takes nothing new, lets what is open end, then calls `done` from any thread.
  std::function<void(std::function<void()> done)> drain;
  std::function<std::size_t()> open_requests;
};

// Everything behind a front: configuration, pipeline, fleet, metrics, traces, admin port and the
// workers. A front adds its listener and runs the loop.
class Router {
 public:
  // Logs what it does; an error has been logged when it returns none.
  static std::unique_ptr<Router> start(const RouterSetup& setup);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  Loop& loop() { return loop_; }
  Workers& workers() { return *workers_; }
  EngineWorker& engine_worker(std::size_t i) { return *engine_workers_[i]; }
  const Published<std::shared_ptr<const Pipeline>>& pipelines() const { return *pipelines_; }
  Tracer& tracer() { return *tracer_; }
  Metrics& metrics() { return metrics_; }
  RefusalCounts& refusals() { return refusals_; }
  ByteBudget& bodies() { return bodies_; }  // memory for the bodies of requests
  const Logger& log() const { return logger_; }
  bool draining() const { return draining_.load(std::memory_order_relaxed); }

  // Reads the configuration again and takes it over as a whole: requests that have begun end with
  // the old pipeline, plugins that have not changed keep their state. A configuration with mistakes
  // is logged and changes nothing. Threading: the loop's thread.
  void reload();

  const Published<Fleet>& fleet() const { return *fleet_->fleet(); }

  // Runs until a signal asks to stop. The router then says that it is not ready, goes on as before
  // for --drain-timeout (SIGTERM only), drains the front, and ends when that is done or
  // --drain-limit has passed. A second signal ends the process at once.
  // Returns the exit code: 0, or 1 without having run if a signal has asked before.
  int run(RouterFront front);

 private:
  explicit Router(const RouterSetup& setup);

  bool load();
  bool start_resources(const RouterFlags& flags);
  bool start_recording(const RouterFlags& flags);
  bool start_fleet(const Assembly& assembly);
  std::shared_ptr<const Pipeline> make_pipeline(Assembly assembly);
  std::shared_ptr<const Pipeline> pipeline() const;
  bool take_over(Assembly assembly, const std::shared_ptr<const Pipeline>& before);
  void reloaded(std::string_view result);
  void add_plugin_gauges();
  std::string plugin_state() const;
  void await_addresses();
  bool open_admin(const RouterFlags& flags);
  void tend();
  void stopping(int signal);
  void drain();
  void cut_off();

  const RouterSetup setup_;
  Log log_;
  Logger logger_;
  Logger request_logger_;
  Metrics metrics_{router_families()};
  MetricShard& shard_ = metrics_.add_shard();  // of the loop's thread
  RefusalCounts refusals_;
  ByteBudget bodies_;
  DecisionRing decisions_;
  std::unique_ptr<RecordWriter> record_;
  TapHub taps_{decisions_};
  std::unique_ptr<Tracer> tracer_;
  std::unique_ptr<FleetService> fleet_;
  std::unique_ptr<Published<std::shared_ptr<const Pipeline>>> pipelines_;
  // Replaced pipelines: destroyed here, not on a worker, when their last request is over.
  std::vector<std::shared_ptr<const Pipeline>> retired_;
  Loop loop_;
  std::unique_ptr<ResourceFile> resources_;
  std::unique_ptr<Workers> workers_;
  std::vector<std::unique_ptr<EngineWorker>> engine_workers_;
  std::unique_ptr<AdminServer> admin_;
  std::vector<std::unique_ptr<Listener>> admin_listeners_;
  std::unique_ptr<Timer> tend_timer_;
  std::unique_ptr<Timer> drain_timer_;
  std::unique_ptr<FileWatcher> config_watcher_;
  RouterFront front_;
  std::atomic<bool> draining_ = false;
};

}  // namespace pointsman
