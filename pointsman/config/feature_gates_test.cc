#include "pointsman/config/feature_gates.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

// flowControl's value, or the first problem.
std::string flow_control(const std::vector<std::string>& entries) {
  const ResolvedGates resolved = resolve_gates(entries, registered_gates());
  if (!resolved.problems.empty()) return resolved.problems.front().text;
  return resolved.gates.at("flowControl") ? "true" : "false";
}

TEST(FeatureGates, HaveTheirDefaults) {
  const ResolvedGates resolved = resolve_gates({}, registered_gates());
  EXPECT_EQ(resolved.gates,
            (FeatureGates{{"flowControl", false}, {"haPopulateNonLeaderDatastore", true}}));
  EXPECT_TRUE(resolved.problems.empty());
}

TEST(FeatureGates, AreSwitchedByEntries) {
  EXPECT_EQ(flow_control({"flowControl"}), "true");
  EXPECT_EQ(flow_control({"flowControl= TRUE "}), "true");
  EXPECT_EQ(flow_control({"flowControl=1"}), "true");
  EXPECT_EQ(flow_control({"flowControl=t"}), "true");
  EXPECT_EQ(flow_control({"flowControl=F"}), "false");
  EXPECT_EQ(flow_control({"flowControl", "flowControl=false"}), "false");
  EXPECT_EQ(flow_control({"flowControl=true=x"}), "true");
}

TEST(FeatureGates, RefuseBadValues) {
  EXPECT_EQ(flow_control({"flowControl=qwerty"}),
            "qwerty is not a valid value for the feature gate flowControl (error: "
            "strconv.ParseBool: parsing \"qwerty\": invalid syntax)");
  EXPECT_EQ(flow_control({"flowControl="}),
            " is not a valid value for the feature gate flowControl (error: strconv.ParseBool: "
            "parsing \"\": invalid syntax)");
}

TEST(FeatureGates, RefuseUnknownNames) {
  EXPECT_EQ(flow_control({"unknown-gate"}),
            "feature gate 'unknown-gate' is unknown or unregistered");
  EXPECT_EQ(flow_control({" flowControl"}),
            "feature gate ' flowControl' is unknown or unregistered");
  EXPECT_EQ(flow_control({"flowcontrol"}), "feature gate 'flowcontrol' is unknown or unregistered");
}

TEST(FeatureGates, HelpWithOldAndMisspeltNames) {
  const std::vector<std::string> entries = {"prepareDataPlugins", "flowcontrol"};
  const ResolvedGates resolved = resolve_gates(entries, registered_gates());
  ASSERT_EQ(resolved.problems.size(), 2U);
  EXPECT_TRUE(resolved.problems[0].hint.ends_with("remove the line"));
  EXPECT_EQ(resolved.problems[1].hint, R"(did you mean "flowControl"?)");
  EXPECT_EQ(resolved.problems[1].entry, 1U);
}

TEST(FeatureGates, AreRefusedWhileTheBuildLacksThem) {
  const std::vector<std::string> entries = {"haPopulateNonLeaderDatastore", "flowControl"};
  const std::vector<std::string> missing = {"flowControl"};
  const ResolvedGates on = resolve_gates(entries, registered_gates(), missing);
  ASSERT_EQ(on.problems.size(), 1U);
  EXPECT_EQ(on.problems[0].text, "feature gate 'flowControl' is not in this build yet");
  EXPECT_EQ(on.problems[0].entry, 1U);
  const std::vector<std::string> off = {"flowControl=false"};
  EXPECT_TRUE(resolve_gates(off, registered_gates(), missing).problems.empty());
}

}  // namespace
}  // namespace pointsman
