#include "pointsman/app/router.h"

#include <algorithm>
#include <sys/resource.h>
#include <thread>
#include <utility>

#include "pointsman/app/build.h"
#include "pointsman/app/builtin.h"
#include "pointsman/app/command_line.h"
#include "pointsman/app/key_watch.h"
#include "pointsman/app/plugin_state.h"
#include "pointsman/app/resource_file.h"
#include "pointsman/app/router_parts.h"
#include "pointsman/config/config_text.h"
#include "pointsman/edge/admin/admin.h"
#include "pointsman/engine/sample_families.h"
#include "pointsman/telemetry/process_metrics.h"

namespace pointsman {
namespace {

constexpr std::string_view kBuildRef = kVersion;
constexpr auto kFlushPatience = std::chrono::seconds(5);

// Thousands of streams need as many sockets: the soft limit of open files is raised to the hard
// one.
void raise_file_limit(const Logger& log) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  log.info(verbosity::kDefault, "raised the limit of open files",
           {{"from", static_cast<std::int64_t>(before)},
            {"to", static_cast<std::int64_t>(limit.rlim_cur)}});
}

}  // namespace

Router::Router(const RouterSetup& setup)
    : setup_(setup),
      log_(2, setup.flags.log_threshold),
      logger_(log_, "router"),
      request_logger_(log_, "request"),
      bodies_(setup.flags.max_inflight_bytes) {}

Router::~Router() {
  config_watcher_.reset();
  drain_timer_.reset();
  tend_timer_.reset();
  admin_listeners_.clear();
  admin_.reset();
  if (workers_ != nullptr) workers_->stop();
  if (record_ != nullptr) record_->stop();
  if (fleet_ != nullptr) fleet_->stop();
  if (tracer_ != nullptr) tracer_->stop(kFlushPatience);
}

std::unique_ptr<Router> Router::start(const RouterSetup& setup) {
  std::unique_ptr<Router> router(new Router(setup));
  const Logger& log = router->logger_;
  log.info(verbosity::kInfo, "pointsman build",
           {{"commit-sha", build_commit()}, {"build-ref", kBuildRef}, {"service", setup.service}});
  log.info(verbosity::kInfo, "Flags processed", {{"flags", setup.flags.processed}});
  for (const std::string& warning : setup.flags.warnings) log.warning(warning);
  raise_file_limit(log);

  if (setup.flags.tracing) {
    auto settings =
        read_trace_environment(process_environment(), {.service = setup.service,
                                                       .build_ref = std::string(kBuildRef),
                                                       .commit = std::string(build_commit())});
    auto tracer = settings ? start_tracing(*settings, router->metrics_, log)
                           : std::unexpected(settings.error());
    if (!tracer) {
      log.error("failed to init tracing", {{"error", tracer.error().message}});
      return nullptr;
    }
    router->tracer_ = *std::move(tracer);
    if (setup.flags.keep_rules.any()) router->tracer_->record_all();
  } else {
    router->tracer_ = std::make_unique<Tracer>();
  }
  if (!router->load() || !router->open_admin(setup.flags)) return nullptr;
  return router;
}

bool Router::load() {
  const RouterFlags& flags = setup_.flags;
  auto assembly = assemble(examine(flags), builtin_plugins(), metrics_,
                           builtin_options(flags.allow_experimental_plugins));
  if (!assembly) {
    log_problems(logger_, start_failure(assembly.error().front()), assembly.error());
    return false;
  }
  log_warnings(logger_, assembly->warnings);
  logger_.info(verbosity::kDefault, "configuration loaded",
               {{"config", to_string(assembly->config)}});
  shard_.set(metrics_.series(metric::kBuild, build_commit(), kBuildRef), 1.0);
  add_process_metrics(metrics_);
  add_log_metrics(metrics_, log_);
  metrics_.add_source([this](std::vector<Sample>& samples) {
    for (std::size_t i = 0; i < kRefusalNames.size(); ++i) {
      add_count(samples, metric::kWireRefusals, {std::string(kRefusalNames[i])},
                refusals_.of(static_cast<Refusal>(i)));
    }
    add_count(samples, metric::kInflightBytes, {}, bodies_.used());
  });
  if (!start_resources(flags) || !start_recording(flags) || !start_fleet(*assembly)) return false;
  pipelines_ = std::make_unique<Published<std::shared_ptr<const Pipeline>>>(
      make_pipeline(*std::move(assembly)));
  add_plugin_gauges();
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t count = flags.workers > 0 ? static_cast<std::size_t>(flags.workers) : cores;
  for (std::size_t i = 0; i < count; ++i) {
    engine_workers_.push_back(std::make_unique<EngineWorker>(metrics_, metrics_.add_shard(),
                                                             *fleet_->fleet(), entropy()));
    if (resources_ != nullptr) engine_workers_.back()->rules.emplace(resources_->rules());
  }
  workers_ = std::make_unique<Workers>(count);
  for (std::size_t i = 0; i < count; ++i) {
    engine_workers_[i]->post = [&loop = (*workers_)[i]](std::function<void()> task) {
      loop.post(std::move(task));
    };
  }
  for (std::size_t i = 0; i < count; ++i) {
    engine_workers_[i]->alarm = [&loop = (*workers_)[i]](Clock::duration after,
                                                         std::function<void()> task) {
      auto timer = std::make_shared<Timer>(loop, std::move(task));
      timer->arm(after);
      return timer;
    };
  }
  tend_timer_ = std::make_unique<Timer>(loop_, [this] { tend(); });
  tend_timer_->arm(std::chrono::seconds(1));
  return true;
}

std::shared_ptr<const Pipeline> Router::make_pipeline(Assembly assembly) {
  return std::make_shared<const Pipeline>(
      std::move(assembly), metrics_, decisions_,
      Pipeline::Options{.staleness = setup_.flags.metrics_staleness_threshold,
                        .ignore_subset = setup_.ignore_subset,
                        .keep = setup_.flags.keep_rules,
                        .trace_decision_matrix = setup_.flags.trace_decision_matrix,
                        .gates = setup_.gates,
                        .by_model = setup_.models.has_value(),
                        .log = &request_logger_});
}

std::shared_ptr<const Pipeline> Router::pipeline() const {
  return *Published<std::shared_ptr<const Pipeline>>::Reader(*pipelines_).get();
}

std::string Router::plugin_state() const {
  const auto fleet = Published<Fleet>::Reader(*fleet_->fleet()).get();
  return plugin_state_json(*pipeline()->assembly().plugins, *fleet,
                           std::chrono::system_clock::now());
}

// Gauges of plugins, read at every scrape from the pipeline of that moment.
void Router::add_plugin_gauges() {
  metrics_.add_source([this](std::vector<Sample>& samples) {
    const auto now = pipeline();
    const auto fleet = Published<Fleet>::Reader(*fleet_->fleet()).get();
    std::vector<GaugeReading> readings;
    for (const auto& instance : now->assembly().plugins->all()) {
      if (instance->gauged == nullptr) continue;
      readings.clear();
      instance->gauged->gauges(*fleet, readings);
      for (GaugeReading& reading : readings) {
        samples.push_back(gauge_sample(std::move(reading), instance->name));
      }
    }
  });
}

bool Router::start_resources(const RouterFlags& flags) {
  if (flags.resources_file.empty()) return true;
  resources_ = std::make_unique<ResourceFile>(
      ResourceFile::Options{
          .path = flags.resources_file,
          .pool = flags.pool_name,
          .ns = flags.pool_namespace_defaulted ? std::string() : flags.pool_namespace},
      metrics_, shard_, loop_, logger_.named("resources"));
  return resources_->load();
}

bool Router::start_recording(const RouterFlags& flags) {
  decisions_.attach(taps_);
  taps_.add_metrics(metrics_);
  if (flags.record.empty()) return true;
  auto writer = RecordWriter::start({.folder = flags.record,
                                     .file_bytes = flags.record_file_bytes,
                                     .files = static_cast<std::size_t>(flags.record_files),
                                     .build = std::string(kBuildRef)},
                                    decisions_, logger_.named("record"));
  if (!writer) {
    logger_.error("cannot record decisions (--record)", {{"error", writer.error().message}});
    return false;
  }
  record_ = *std::move(writer);
  record_->add_metrics(metrics_);
  decisions_.attach(*record_);
  logger_.info(verbosity::kDefault, "recording decisions", {{"folder", flags.record}});
  return true;
}

bool Router::start_fleet(const Assembly& assembly) {
  auto discovery = choose_discovery(setup_, assembly);
  if (!discovery) {
    logger_.error("Failed to resolve discovery plugin", {{"error", discovery.error().message}});
    return false;
  }
  auto service = FleetService::start(
      {.pool = setup_.flags.pool_name.empty() ? "epp" : setup_.flags.pool_name,
       .discovery = *std::move(discovery),
       .sources = scrape_sources(assembly),
       .scraper = {.interval = setup_.flags.refresh_metrics_interval, .tls = setup_.scrape_tls},
       .gauge_interval = setup_.flags.refresh_prometheus_metrics_interval,
       .staleness = setup_.flags.metrics_staleness_threshold,
       .models = setup_.models},
      metrics_, log_);
  if (!service) {
    logger_.error("failed to start discovery", {{"error", service.error().message}});
    return false;
  }
  fleet_ = std::make_unique<FleetService>(*std::move(service));
  await_addresses();
  return true;
}

// Host names are looked up beside everything else; the front opens when each has an address, or
// after a second without.
void Router::await_addresses() {
  constexpr int kTries = 100;
  constexpr auto kPause = std::chrono::milliseconds(10);
  Published<Fleet>::Reader fleets(*fleet_->fleet());
  for (int i = 0; i < kTries; ++i) {
    const Fleet& fleet = *fleets.get();
    bool all = true;
    for (EndpointIndex e = 0; e < fleet.size(); ++e) all = all && fleet.ready(e);
    if (all) return;
    std::this_thread::sleep_for(kPause);
  }
}

bool Router::open_admin(const RouterFlags& flags) {
  std::shared_ptr<const ApiKeys> tokens;
  if (!flags.admin_token_file.empty()) {
    auto read = read_keys(flags.admin_token_file);
    if (!read) {
      logger_.error("cannot read --admin-token-file", {{"error", read.error().message}});
      return false;
    }
    tokens = *std::move(read);
  }
  admin_ = std::make_unique<AdminServer>(
      loop_, AdminSources{.metrics = metrics_,
                          .decisions = decisions_,
                          .taps = taps_,
                          .fleets = *fleet_->fleet(),
                          .ready = [this] { return !draining(); },
                          .refusals = &refusals_,
                          .plugin_state = [this] { return plugin_state(); },
                          .gates = setup_.gates,
                          .tokens = std::move(tokens)});
  std::string opened;
  for (Address at : admin_addresses(flags)) {
    if (!admin_listeners_.empty()) at.port = admin_listeners_.front()->address().port;
    auto listener = Listener::open(
        loop_, at, {.max_connections = 256, .refusals = &refusals_},
        {{loop_, [this](std::unique_ptr<Stream> s) { admin_->serve(std::move(s)); }}});
    if (!listener) {
      logger_.error("cannot open the admin port (--metrics-port)",
                    {{"error", listener.error().message}});
      return false;
    }
    opened += (opened.empty() ? "" : ", ") + (*listener)->address().text();
    admin_listeners_.push_back(*std::move(listener));
  }
  logger_.info(verbosity::kInfo, "admin port open", {{"address", opened}});
  return true;
}

void Router::tend() {
  Published<Fleet>::Reader fleet(*fleet_->fleet());
  pipeline()->tend(*fleet.get());
  std::erase_if(retired_, [](const auto& old) { return old.use_count() == 1; });
  tend_timer_->arm(std::chrono::seconds(1));
}

}  // namespace pointsman
