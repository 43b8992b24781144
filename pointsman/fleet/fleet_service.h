#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/published.h"
#include "pointsman/base/result.h"
#include "pointsman/fleet/host_names.h"
#include "pointsman/fleet/model_poller.h"
#include "pointsman/fleet/scraper.h"
#include "pointsman/model/fleet.h"
#include "pointsman/stage/datalayer.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

struct FleetOptions {
  std::string pool;                      // label `name` of the pool's metrics
  std::shared_ptr<Discovery> discovery;  // where endpoints come from
  std::vector<ScrapeSource> sources;     // what is read from them
  Scraper::Options scraper;
  Clock::duration gauge_interval = std::chrono::seconds(5);  // refresh of the pool's gauges
  Clock::duration staleness = std::chrono::seconds(2);       // for these gauges
  HostNames::Options host_names;
  std::optional<ModelPoller::Options> models;  // set: learns which models each endpoint serves
};

// Finds the endpoints, reads their load and publishes both as Fleet snapshots, on a thread of its
// own, from start() to stop(). A new snapshot follows news within 10 ms.
class FleetService {
 public:
  // Returns when the first set of endpoints is published, whatever is known of their load by then.
  // `on_ready` is called just before. Errors: those of the discovery and of Scraper::make().
  // `metrics` and `log` outlive the service.
  static Result<FleetService> start(FleetOptions options, Metrics& metrics, Log& log,
                                    const std::function<void()>& on_ready = {});
  ~FleetService();  // stops
  FleetService(FleetService&& other) noexcept;
  FleetService& operator=(FleetService&& other) noexcept;

  // What everybody else reads. Stays after stop(), as it was then. Threading: any thread.
  const std::shared_ptr<Published<Fleet>>& fleet() const;

  // Reads other sources from now on; what is known of the endpoints stays until it is read anew.
  // Errors: those of Scraper::make(), and then nothing has changed.
  // Threading: the thread that called start(), between start() and stop(); waits for the fleet's.
  Result<void> set_sources(std::vector<ScrapeSource> sources);

  // Takes the endpoints from elsewhere from now on: those of the old place that are not in the new
  // one leave, the others stay with what is known of them.
  // Errors: those of the discovery, or of its first endpoints, and then nothing has changed.
  // Threading: as set_sources().
  Result<void> set_discovery(std::shared_ptr<Discovery> discovery);

  // Ends discovery and scraping; a drain calls it last. Threading: the thread that called start().
  void stop();

 private:
  class Worker;
  explicit FleetService(std::unique_ptr<Worker> worker);

  std::unique_ptr<Worker> worker_;
};

}  // namespace pointsman
