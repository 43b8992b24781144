#pragma once

#include <array>
#include <charconv>
#include <string_view>

#include "pointsman/model/request.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// The labels that request metrics share: model_name, target_model_name, fairness_id, priority.
class RequestLabels {
 public:
  explicit RequestLabels(const Request& request) : request_(request) {
    const auto end =
        std::to_chars(digits_.data(), digits_.data() + digits_.size(), request.priority).ptr;
    priority_ = {digits_.data(), static_cast<std::size_t>(end - digits_.data())};
  }
  RequestLabels(const RequestLabels&) = delete;
  RequestLabels& operator=(const RequestLabels&) = delete;

  // The series of a family with these labels, followed by `more`.
  template <typename Family, typename... More>
  auto of(MetricShard& shard, const Family& family, const More&... more) const {
    return shard.with(family, request_.model, request_.target_model, request_.fairness_id,
                      priority_, more...);
  }

 private:
  const Request& request_;
  std::array<char, 12> digits_{};
  std::string_view priority_;
};

}  // namespace pointsman
