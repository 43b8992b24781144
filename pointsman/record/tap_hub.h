#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "pointsman/record/decision_ring.h"
#include "pointsman/record/decision_sink.h"
#include "pointsman/telemetry/bounded_queue.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// Brings decisions that have ended to whoever watches, in the time of the watcher. Without one, a
// request pays one load; with one, a place in a bounded queue; what finds none is lost and counted.
//
// Threading: kept() and ended() from any thread; the rest from the watcher's.
class TapHub final : public DecisionSink {
 public:
  explicit TapHub(DecisionRing& ring, std::size_t queue = 4096) : ring_(ring), queue_(queue) {}

  // `wake` is called from any thread when there is something to take, at most once until take()
  // is called. REQUIRES: before the first request.
  void on_news(std::function<void()> wake) { wake_ = std::move(wake); }

  void kept(const std::shared_ptr<Decision>& /*decision*/) override {}
  void ended(const std::shared_ptr<Decision>& decision, const Outcome& outcome) override;

  // Whether somebody watches.
  void watch(bool watched) { watched_.store(watched, std::memory_order_relaxed); }
  // Hands out what has ended, oldest first, up to `most`; false when that is all there is.
  bool take(std::size_t most, const std::function<void(const Decision&, const Outcome&)>& take_one);

  // A watcher that was too slow lost so many.
  void lost(std::uint64_t lines) { slow_reader_.fetch_add(lines, std::memory_order_relaxed); }
  std::uint64_t queue_full() const { return queue_full_.load(std::memory_order_relaxed); }
  // Adds pointsman_tap_dropped_total. This object must outlive the last scrape.
  void add_metrics(Metrics& metrics) const;

 private:
  struct Item {
    std::shared_ptr<Decision> decision;
    Outcome outcome;
  };

  DecisionRing& ring_;
  std::function<void()> wake_ = [] {};
  BoundedQueue<Item> queue_;
  std::atomic<bool> watched_{false};
  std::atomic<bool> awake_{false};
  std::atomic<std::uint64_t> queue_full_{0};
  std::atomic<std::uint64_t> slow_reader_{0};
  std::vector<std::shared_ptr<Decision>> done_;
};

}  // namespace pointsman
