#pragma once

#include <vector>

#include "pointsman/telemetry/families.h"

namespace pointsman {

namespace metric {
inline constexpr auto kConfigReloads =
    counter("pointsman_config_reloads_total",
            "Configurations read again: applied, refused, or found unchanged.", labels("result"));
inline constexpr auto kResourceReloads = counter(
    "pointsman_resources_reloads_total",
    "The --resources-file read again: applied, refused, or found unchanged.", labels("result"));
inline constexpr auto kResources =
    gauge("pointsman_resources", "Resources of the --resources-file in force.", labels("kind"));
}  // namespace metric

// All families of a router: those of telemetry/ and its own.
inline std::vector<const FamilySpec*> router_families() {
  std::vector<const FamilySpec*> all(metric::kAll.begin(), metric::kAll.end());
  all.insert(all.end(), {&metric::kConfigReloads, &metric::kResourceReloads, &metric::kResources});
  return all;
}

}  // namespace pointsman
