#include "pointsman/engine/candidates.h"

#include <array>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

bool allowed(std::string_view address, std::vector<std::string_view> subset) {
  Endpoint endpoint{.name = "e", .address = std::string(address), .port = 8000};
  endpoint.complete();
  return in_subset(endpoint, subset);
}

TEST(Subset, ComparesAddressesWithoutPorts) {
  EXPECT_TRUE(allowed("10.0.0.1", {"10.0.0.1:8080"}));
  EXPECT_TRUE(allowed("10.0.0.1", {"10.0.0.3:9090", "10.0.0.1"}));
  EXPECT_FALSE(allowed("10.0.0.1", {"192.168.1.1:8080"}));
  EXPECT_FALSE(allowed("10.0.0.1", {}));
}

TEST(Subset, TakesIpv6WithBrackets) {
  EXPECT_TRUE(allowed("::1", {"[::1]:8000"}));
}

TEST(Prefer, AsksForIfAvailableInAnyOfItsForms) {
  for (const auto* yes : {"if-available", "If-Available", "return=minimal, if-available",
                          "if-available;param=v", "  if-available  "}) {
    EXPECT_TRUE(prefers_if_available(yes)) << yes;
  }
  for (const auto* no : {"", "return=minimal", "if-available-but-different"}) {
    EXPECT_FALSE(prefers_if_available(no)) << no;
  }
}

}  // namespace
}  // namespace pointsman
