#include "pointsman/engine/scheduler_metrics.h"

#include <array>
#include <charconv>

namespace pointsman {

SchedulerShard::SchedulerShard(Metrics& metrics, MetricShard& shard)
    : shard_(&shard), duration_(metrics.series(metric::kSchedulerDuration)) {}

void SchedulerShard::attempt_failed(std::string_view model) {
  shard_->add(shard_->with(metric::kSchedulerAttempts, "failure", model, "", "", ""));
}

void SchedulerShard::attempt_succeeded(std::string_view model, const Endpoint* target,
                                       std::uint16_t target_port) {
  if (target == nullptr) {
    shard_->add(shard_->with(metric::kSchedulerAttempts, "success", model, "", "", ""));
    return;
  }
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), target_port).ptr;
  const std::string_view port(digits.data(), static_cast<std::size_t>(end - digits.data()));
  shard_->add(
      shard_->with(metric::kSchedulerAttempts, "success", model, target->pod, target->ns, port));
}

}  // namespace pointsman
