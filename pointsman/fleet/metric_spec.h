#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/fleet/metrics_text.h"

namespace pointsman {

// Names one series of a metrics page: `name`, or `name{label=value,...}` where a value may be
// quoted. Extra labels of a sample do not matter. Grammar: spec/04 section 5.4.
struct MetricSpec {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;

  // Nothing for an empty text, which switches the metric off.
  static Result<std::optional<MetricSpec>> parse(std::string_view text);

  // Whether the sample, of a metric with this name, has every label of the spec.
  bool matches(const MetricSample& sample) const;

  bool operator==(const MetricSpec&) const = default;
};

}  // namespace pointsman
