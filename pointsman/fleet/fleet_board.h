#pragma once

#include <memory>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/published.h"
#include "pointsman/model/fleet.h"
#include "pointsman/stage/datalayer.h"

namespace pointsman {

// The fleet as its owner changes it, value by value, and the snapshots that everybody else sees.
//
// Threading: everything but the readers of published() belongs to one thread.
class FleetBoard {
 public:
  FleetBoard();

  // Replaces the list. Who keeps the key keeps what was read.
  void set_endpoints(std::shared_ptr<const std::vector<Endpoint>> endpoints);

  // Takes over what a page that was read at `at` tells of an endpoint; what it does not tell keeps
  // its value and its age. An endpoint that has left is ignored.
  void apply(EndpointKey endpoint, Clock::time_point at, const PageReading& reading,
             const Adapters& adapters);

  // Takes over which models are served, until set_endpoints() forgets it.
  // REQUIRES: one entry per endpoint.
  void set_models(std::shared_ptr<const ModelTable> models);

  // Whether publish() has something to say.
  bool changed() const { return changed_; }
  void publish();

  // What has been told so far; its adapters are those of the last publish().
  const Fleet& current() const { return fleet_; }
  // Outlives this object where somebody holds it.
  const std::shared_ptr<Published<Fleet>>& published() const { return published_; }

 private:
  Fleet fleet_;
  std::vector<Adapters> adapters_;  // of every endpoint; the fleet gets their table with publish()
  bool adapters_changed_ = false;
  bool changed_ = false;
  std::shared_ptr<Published<Fleet>> published_;
};

}  // namespace pointsman
