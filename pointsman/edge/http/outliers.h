#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pointsman/base/clock.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/model/slot_pages.h"
#include "pointsman/stage/endpoint_gate.h"

namespace pointsman {

struct OutlierOptions {
  // Failures in a row after which an endpoint is left out; 0: never.
  std::uint32_t failures = 5;
  std::uint32_t connect_failures = 3;               // the same, of connections refused
  Clock::duration first = std::chrono::seconds(5);  // how long; doubled each time in a row
  Clock::duration longest = std::chrono::minutes(5);
};

// Leaves an endpoint out for a while when its requests fail one after the other, longer each time
// until one succeeds. When its time is over it gets requests again, and one more failure is enough
// to leave it out anew.
//
// Threading: any thread; nothing locks. A count may miss one of two failures at the same instant.
class Outliers final : public EndpointGate {
 public:
  explicit Outliers(OutlierOptions options = {}) : options_(options) {}

  DropReason reason() const override { return DropReason::ejected; }
  bool any(Clock::time_point now) const override {
    return now.time_since_epoch().count() < newest_.load(std::memory_order_relaxed);
  }
  bool closed(EndpointKey endpoint, Clock::time_point now) const override;
  std::optional<EndpointTrouble> trouble(EndpointKey endpoint,
                                         Clock::time_point now) const override;

  // A request to it failed. True: it is left out from now on.
  bool failed(EndpointKey endpoint, bool connecting, Clock::time_point now);
  // A request to it was answered. True: it had been left out, and no longer is.
  bool succeeded(EndpointKey endpoint);

 private:
  struct Cell {
    std::atomic<std::uint32_t> key{0};
    std::atomic<std::uint32_t> failures{0};
    std::atomic<std::uint32_t> refusals{0};  // of connections
    std::atomic<std::uint32_t> times{0};
    std::atomic<std::int64_t> until{0};
  };

  const Cell* find(EndpointKey endpoint) const;
  Cell& cell(EndpointKey endpoint);

  const OutlierOptions options_;
  std::atomic<std::int64_t> newest_{0};  // when the last of them returns
  SlotPages<Cell, 256> cells_;
};

}  // namespace pointsman
