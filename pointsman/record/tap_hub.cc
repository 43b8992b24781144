#include "pointsman/record/tap_hub.h"

#include <utility>

namespace pointsman {

void TapHub::ended(const std::shared_ptr<Decision>& decision, const Outcome& outcome) {
  if (!watched_.load(std::memory_order_relaxed)) return;
  Item item{.decision = decision, .outcome = outcome};
  if (!queue_.push(item)) {
    queue_full_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (!awake_.exchange(true, std::memory_order_acq_rel)) wake_();
}

bool TapHub::take(std::size_t most,
                  const std::function<void(const Decision&, const Outcome&)>& take_one) {
  // What is pushed from now on wakes again, even if it is taken here.
  awake_.store(false, std::memory_order_release);
  std::size_t n = 0;
  for (; n < most; ++n) {
    auto item = queue_.pop();
    if (!item) break;
    take_one(*item->decision, item->outcome);
    done_.push_back(std::move(item->decision));
  }
  if (!done_.empty()) ring_.give_back(done_);
  return n == most;
}

void TapHub::add_metrics(Metrics& metrics) const {
  metrics.add_source([this](std::vector<Sample>& out) {
    add_count(out, metric::kTapDropped, {"queue_full"}, queue_full_);
    add_count(out, metric::kTapDropped, {"slow_reader"}, slow_reader_);
  });
}

}  // namespace pointsman
