#pragma once

#include <vector>

#include "pointsman/telemetry/families.h"

namespace pointsman {

namespace metric {
inline constexpr auto kConfigReloads =
    counter("pointsman_config_reloads_total",
            "Configurations read again: applied, refused, or found unchanged.", labels("result"));
}  // namespace metric

// All families of a router: those of telemetry/ and its own.
inline std::vector<const FamilySpec*> router_families() {
  std::vector<const FamilySpec*> all(metric::kAll.begin(), metric::kAll.end());
  all.push_back(&metric::kConfigReloads);
  return all;
}

}  // namespace pointsman
