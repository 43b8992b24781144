#include "pointsman/fleet/fleet_service.h"

#include <algorithm>
#include <cstdint>
#include <future>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/fleet_board.h"
#include "pointsman/fleet/model_board.h"
#include "pointsman/fleet/pool_gauges.h"
#include "pointsman/fleet/roster.h"
#include "pointsman/telemetry/families.h"
#include "pointsman/wire/loop.h"

namespace pointsman {
namespace {

// At most so often, so that many scrapes share one snapshot.
constexpr Clock::duration kPublishPause = std::chrono::milliseconds(10);
// A server that is slow once is not worth a line.
constexpr std::size_t kFailuresToTell = 3;
constexpr Clock::duration kShortestGaugeInterval = std::chrono::milliseconds(10);

// "a, b, c and 4 more".
std::string some_of(std::span<const std::string> names) {
  constexpr std::size_t kShown = 8;
  std::string out;
  for (const std::string& name : names.first(std::min(kShown, names.size()))) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  if (names.size() > kShown) out += " and " + std::to_string(names.size() - kShown) + " more";
  return out;
}

bool has_address(const Endpoint& endpoint) {
  return Address::parse(std::string_view(endpoint.host), endpoint.port).has_value();
}

}  // namespace

// What lives on the fleet's thread.
class FleetService::Worker {
 public:
  Worker(FleetOptions options, Metrics& metrics, Log& log);
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Result<void> start(const std::function<void()>& on_ready);
  Result<void> set_sources(std::vector<ScrapeSource> sources);
  Result<void> set_discovery(std::shared_ptr<Discovery> discovery);
  void stop();
  const std::shared_ptr<Published<Fleet>>& fleet() const { return board_.published(); }

 private:
  Result<void> scrape(std::vector<ScrapeSource> sources);
  // What the discovery calls; it is the `turn`th.
  Discovery::Events events(int turn);
  // The endpoints of the newest discovery count; the first tell whether they can be had.
  void take_turn(int turn, std::vector<Endpoint> endpoints);
  Result<void> take(std::vector<Endpoint> endpoints);
  void take_address(const std::string& host, const std::string& address);
  void take_scrape(const Scrape& scrape);
  void take_models(EndpointKey endpoint, const std::vector<ServedModel>& models);
  void show_endpoints();
  void tell_failure(const Scrape& scrape) const;
  void publish_soon();
  void publish();
  void refresh_gauges();

  FleetOptions options_;
  Metrics& metrics_;
  Logger log_;
  MetricShard& shard_;
  PoolGauges gauges_;
  std::vector<Counter> poll_errors_;                  // per source
  std::vector<std::vector<Counter>> extract_errors_;  // per source and reader

  Roster roster_;
  FleetBoard board_;
  ModelBoard models_;
  bool models_changed_ = false;        // since the last snapshot
  std::optional<Result<void>> taken_;  // what became of the first set of endpoints
  int turns_ = 0;                      // discoveries so far; of the thread that called start()
  int turn_ = 0;                       // whose endpoints count
  std::promise<Result<void>>* switched_ = nullptr;  // waits for the first set of a new discovery
  Clock::time_point published_at_{};

  Loop loop_;  // what follows is bound to it
  Timer publish_timer_;
  Timer gauge_timer_;
  HostNames host_names_;
  std::optional<Scraper> scraper_;
  std::optional<ModelPoller> model_poller_;
  std::jthread thread_;
};

FleetService::Worker::Worker(FleetOptions options, Metrics& metrics, Log& log)
    : options_(std::move(options)),
      metrics_(metrics),
      log_(log, "fleet"),
      shard_(metrics.add_shard()),
      gauges_(metrics, shard_, options_.pool),
      publish_timer_(loop_, [this] { publish(); }),
      gauge_timer_(loop_, [this] { refresh_gauges(); }),
      host_names_(
          loop_, options_.host_names,
          {.found = [this](const std::string& host,
                           const std::string& address) { take_address(host, address); },
           .failed =
               [this](const std::string& host, const std::string& address, const Error& error) {
                 log_.warning(
                     "host name cannot be resolved",
                     {{"host", host}, {"address in use", address}, {"error", error.message}});
               }}) {
  options_.gauge_interval = std::max(options_.gauge_interval, kShortestGaugeInterval);
  expose_endpoint_queues(metrics, board_.published(), options_.pool);
  if (!options_.models) return;
  options_.models->log = log_;
  model_poller_.emplace(loop_, *options_.models,
                        [this](EndpointKey endpoint, const std::vector<ServedModel>& models) {
                          take_models(endpoint, models);
                        });
}

Result<void> FleetService::Worker::start(const std::function<void()>& on_ready) {
  if (auto ready = scrape(std::move(options_.sources)); !ready) return ready;
  auto started = options_.discovery->start(events(turn_));
  if (!started) return started;
  if (!loop_.run_until([this] { return taken_.has_value(); })) bug("no first set of endpoints");
  if (!*taken_) return *taken_;
  gauge_timer_.arm(options_.gauge_interval);
  if (on_ready) on_ready();
  thread_ = std::jthread([this] { loop_.run(); });
  return {};
}

// Makes the scraper of these sources, in place of the one before.
Result<void> FleetService::Worker::scrape(std::vector<ScrapeSource> sources) {
  std::vector<Counter> poll_errors;
  std::vector<std::vector<Counter>> extract_errors;
  for (const ScrapeSource& source : sources) {
    poll_errors.push_back(metrics_.series(metric::kPollErrors, source.name.type));
    std::vector<Counter>& counters = extract_errors.emplace_back();
    for (const ScrapeSource::Reader& reader : source.readers) {
      counters.push_back(
          metrics_.series(metric::kExtractErrors, source.name.type, reader.name.type));
    }
  }
  POINTSMAN_TRY(scraper, Scraper::make(loop_, std::move(sources), options_.scraper,
                                       [this](const Scrape& scrape) { take_scrape(scrape); }));
  poll_errors_ = std::move(poll_errors);
  extract_errors_ = std::move(extract_errors);
  scraper_.emplace(std::move(scraper));
  return {};
}

Result<void> FleetService::Worker::set_sources(std::vector<ScrapeSource> sources) {
  std::promise<Result<void>> done;
  loop_.post([&] {
    Result<void> changed = scrape(std::move(sources));
    if (changed && roster_.endpoints() != nullptr) scraper_->set_endpoints(*roster_.endpoints());
    done.set_value(std::move(changed));
  });
  return done.get_future().get();
}

void FleetService::Worker::stop() {
  options_.discovery->stop();
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

Discovery::Events FleetService::Worker::events(int turn) {
  return {.found =
              [this, turn](std::vector<Endpoint> endpoints) {
                loop_.post([this, turn, endpoints = std::move(endpoints)]() mutable {
                  take_turn(turn, std::move(endpoints));
                });
              },
          .problem =
              [this](const std::string& text) {
                log_.warning("endpoints could not all be taken over", {{"error", text}});
              }};
}

Result<void> FleetService::Worker::set_discovery(std::shared_ptr<Discovery> discovery) {
  const int turn = ++turns_;
  std::promise<Result<void>> first;
  loop_.post([&] { switched_ = &first; });
  if (auto started = discovery->start(events(turn)); !started) {
    // Its first endpoints may have come all the same.
    loop_.post([&] {
      if (auto* const waiting = std::exchange(switched_, nullptr)) waiting->set_value({});
    });
    (void)first.get_future().get();
    return started;
  }
  if (auto taken = first.get_future().get(); !taken) {
    discovery->stop();
    return taken;
  }
  options_.discovery->stop();
  options_.discovery = std::move(discovery);
  return {};
}

void FleetService::Worker::take_turn(int turn, std::vector<Endpoint> endpoints) {
  if (turn == turn_) {
    (void)take(std::move(endpoints));  // what is wrong has been told
    return;
  }
  // A discovery that has been replaced, or has been refused before.
  if (turn < turn_ || switched_ == nullptr) return;
  auto taken = take(std::move(endpoints));
  if (taken) turn_ = turn;
  std::exchange(switched_, nullptr)->set_value(std::move(taken));
}

Result<void> FleetService::Worker::take(std::vector<Endpoint> endpoints) {
  const auto change = roster_.update(std::move(endpoints));
  if (!change && !taken_) {
    taken_ = std::unexpected(change.error());
    return std::unexpected(change.error());
  }
  if (!change) {
    log_.error("endpoints refused", {{"error", change.error().message}});
    return std::unexpected(change.error());
  }
  if (taken_ && !change->any()) return {};
  taken_ = Result<void>();
  show_endpoints();
  publish();
  std::set<std::string> hosts;
  for (const Endpoint& e : *roster_.endpoints()) {
    if (!has_address(e)) hosts.insert(e.host);
  }
  host_names_.keep(hosts);
  log_.info(verbosity::kInfo, "endpoints changed",
            {{"endpoints", roster_.endpoints()->size()},
             {"joined", some_of(change->joined)},
             {"left", some_of(change->left)},
             {"relabelled", some_of(change->relabelled)}});
  return {};
}

void FleetService::Worker::take_address(const std::string& host, const std::string& address) {
  if (!roster_.set_address(host, address)) return;
  show_endpoints();
  publish();
  log_.info(verbosity::kInfo, "host name resolved", {{"host", host}, {"address", address}});
}

void FleetService::Worker::show_endpoints() {
  board_.set_endpoints(roster_.endpoints());
  scraper_->set_endpoints(*roster_.endpoints());
  if (!model_poller_) return;
  models_changed_ = true;  // one entry per endpoint
  model_poller_->set_endpoints(*roster_.endpoints());
}

void FleetService::Worker::take_models(EndpointKey endpoint,
                                       const std::vector<ServedModel>& models) {
  if (!models_.told(endpoint, models)) return;
  models_changed_ = true;
  publish_soon();
  std::vector<std::string> names;
  for (const ServedModel& model : models) names.push_back(model.name);
  const auto at = board_.current().find(endpoint);
  log_.info(
      verbosity::kInfo, "an endpoint has told its models",
      {{"endpoint", at ? board_.current()[*at].id : std::string()}, {"models", some_of(names)}});
}

void FleetService::Worker::take_scrape(const Scrape& scrape) {
  if (scrape.failure != nullptr) {
    shard_.add(poll_errors_[scrape.source]);
    tell_failure(scrape);
    return;
  }
  if (scrape.failures >= kFailuresToTell) {
    log_.info(verbosity::kInfo, "metrics can be read again", {{"endpoint", scrape.endpoint.id}});
  }
  for (std::size_t i = 0; i < scrape.pages.size(); ++i) {
    const ScrapedPage& page = scrape.pages[i];
    board_.apply(scrape.endpoint.key, scrape.at, *page.reading, page.reader->adapters());
    if (page.reading->problems == 0) continue;
    shard_.add(extract_errors_[scrape.source][i]);
    if (page.news) {
      log_.info(verbosity::kDefault, "metrics page lacks values",
                {{"endpoint", scrape.endpoint.id}, {"error", page.reader->problem()}});
    }
  }
  if (board_.changed()) publish_soon();
}

void FleetService::Worker::tell_failure(const Scrape& scrape) const {
  const LogFields fields{{"endpoint", scrape.endpoint.id}, {"error", scrape.failure->message}};
  if (scrape.failures + 1 == kFailuresToTell) {
    log_.warning("metrics cannot be read", fields);
  } else {
    log_.info(verbosity::kDebug, "dispatch failed", fields);
  }
}

void FleetService::Worker::publish_soon() {
  if (!publish_timer_.armed()) publish_timer_.arm_at(published_at_ + kPublishPause);
}

void FleetService::Worker::publish() {
  if (std::exchange(models_changed_, false)) board_.set_models(models_.table(*roster_.endpoints()));
  board_.publish();
  published_at_ = Clock::now();
}

void FleetService::Worker::refresh_gauges() {
  gauges_.refresh(board_.current(), Clock::now(), options_.staleness);
  gauge_timer_.arm(options_.gauge_interval);
}

Result<FleetService> FleetService::start(FleetOptions options, Metrics& metrics, Log& log,
                                         const std::function<void()>& on_ready) {
  auto worker = std::make_unique<Worker>(std::move(options), metrics, log);
  if (auto started = worker->start(on_ready); !started) {
    return std::unexpected(std::move(started).error());
  }
  return FleetService(std::move(worker));
}

FleetService::FleetService(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
FleetService::~FleetService() = default;
FleetService::FleetService(FleetService&& other) noexcept = default;
FleetService& FleetService::operator=(FleetService&& other) noexcept = default;

const std::shared_ptr<Published<Fleet>>& FleetService::fleet() const {
  return worker_->fleet();
}

Result<void> FleetService::set_sources(std::vector<ScrapeSource> sources) {
  return worker_->set_sources(std::move(sources));
}

Result<void> FleetService::set_discovery(std::shared_ptr<Discovery> discovery) {
  return worker_->set_discovery(std::move(discovery));
}

void FleetService::stop() {
  worker_->stop();
}

}  // namespace pointsman
