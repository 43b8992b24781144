#include "pointsman/plugins/hooks/served_verifier.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

std::string told(const Answer& answer) {
  testing::Scene scene({{.name = "a"}});
  const auto verifier = testing::make<ServedVerifier>({}, scene.table);
  scene.begin();
  Arena arena;
  HeaderEdits headers;
  headers.reset(arena);
  Samples samples;
  Effects effects{samples, headers};
  verifier->answered(scene.context(), Decision(), answer, effects);
  EXPECT_EQ(headers.lines().size(), 1U);
  EXPECT_EQ(headers.lines()[0].name, "x-conformance-test-served-endpoint");
  return std::string(headers.lines()[0].value);
}

TEST(ServedVerifier, TellsWhomTheProxyReached) {
  EXPECT_EQ(told({}), "fail: missing envoy lb metadata");
  EXPECT_EQ(told({.proxy_tells = true}), "fail: missing destination endpoint served metadata");
  EXPECT_EQ(told({.served = "10.0.0.1:8000", .proxy_tells = true}), "10.0.0.1:8000");
  EXPECT_EQ(told({.served = "", .proxy_tells = true}), "") << "it is there";
}

}  // namespace
}  // namespace pointsman
