#include "pointsman/edge/ext_proc/health.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

constexpr std::string_view kReadiness = "readiness";
constexpr std::string_view kLiveness = "liveness";

// spec/02 section 10, the rows without leader election.
TEST(Health, FollowsTheMatrix) {
  const std::vector<std::string_view> all{"", kReadiness, kLiveness, kExtProcService, "unknown"};
  for (const std::string_view service : all) {
    EXPECT_EQ(health_of(service, {}), Serving::serving) << service;
    EXPECT_EQ(health_of(service, {.live = false}), Serving::not_serving) << service;
    EXPECT_EQ(health_of(service, {.proto = false}), Serving::not_serving) << service;
    EXPECT_EQ(health_of(service, {.draining = true}), Serving::not_serving) << service;
  }
  for (const std::string_view service : {std::string_view(""), kReadiness, kExtProcService}) {
    EXPECT_EQ(health_of(service, {.ready = false}), Serving::not_serving) << service;
  }
  EXPECT_EQ(health_of(kLiveness, {.ready = false}), Serving::serving);
  EXPECT_EQ(health_of("unknown", {.ready = false}), Serving::serving);
}

}  // namespace
}  // namespace pointsman
