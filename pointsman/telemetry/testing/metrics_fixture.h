#pragma once

#include <string_view>

#include "pointsman/telemetry/metrics.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman::testing {

// One shard, and a reader of the text.
struct MetricsFixture {
  Metrics metrics;
  MetricShard& shard = metrics.add_shard();

  double operator[](std::string_view series) const {
    return metric_value(metrics.expose(), series).value_or(-1);
  }
};

}  // namespace pointsman::testing
