#include "pointsman/sim/fault.h"

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using namespace std::chrono_literals;

FaultOrder order(std::string_view body) {
  auto parsed = parse_fault(body);
  if (parsed) return *parsed;
  ADD_FAILURE() << parsed.error().message;
  return {};
}

TEST(Fault, ReadsNameAndParameters) {
  const auto slow = order(R"({"fault":"slow","factor":4,"seconds":0.5,"server":2})");
  EXPECT_EQ(slow.kind, FaultKind::slow);
  EXPECT_EQ(slow.factor, 4);
  EXPECT_EQ(slow.lasts, 500ms);
  EXPECT_EQ(slow.server, 2U);
  EXPECT_EQ(order(R"({"fault":"cut-stream","tokens":7})").tokens, 7U);
  EXPECT_EQ(order(R"({"fault":"error","status":429})").status, 429);
  EXPECT_EQ(order(R"({"fault":"dead"})").server, std::nullopt);
}

TEST(Fault, SaysWhatIsPossible) {
  for (const std::string_view body :
       {"", "[]", "{}", R"({"fault":"nonsense"})", R"({"fault":1})"}) {
    const auto parsed = parse_fault(body);
    ASSERT_FALSE(parsed.has_value()) << body;
    EXPECT_EQ(parsed.error().message,
              "fault: must be one of clear, dead, hang, slow, cut-stream, cache-loss, error, "
              "metrics-garbage, metrics-endless, metrics-hang");
  }
  const auto message = [](std::string_view body) { return parse_fault(body).error().message; };
  EXPECT_EQ(message(R"({"fault":"slow","factor":0})"), "factor: must be between 1 and 1000000");
  EXPECT_EQ(message(R"({"fault":"slow","factor":"x"})"), "factor: must be between 1 and 1000000");
  EXPECT_EQ(message(R"({"fault":"error","status":200})"), "status: must be between 400 and 599");
}

TEST(ActiveFaults, AddUp) {
  ActiveFaults faults;
  EXPECT_EQ(faults.json(), "{}");
  faults.add(order(R"({"fault":"slow","factor":4})"));
  faults.add(order(R"({"fault":"metrics-hang"})"));
  faults.add(order(R"({"fault":"metrics-garbage"})"));
  faults.add(order(R"({"fault":"cache-loss"})"));
  EXPECT_EQ(faults.json(), R"({"metrics-garbage":true,"slow":4.0})");
}

}  // namespace
}  // namespace pointsman
