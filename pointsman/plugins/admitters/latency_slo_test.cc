#include "pointsman/plugins/admitters/latency_slo.h"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::vector<Header> kSlo{{"x-llm-d-slo-ttft-ms", "100"}, {"x-llm-d-slo-tpot-ms", "30"}};
const std::vector<Header> kOldSlo{{"x-slo-ttft-ms", "100"}, {"x-slo-tpot-ms", "30"}};

struct Case {
  std::array<double, 2> used{0.5, 0.4};
  std::array<double, 2> running{5, 3};
  std::array<bool, 2> known{true, true};
  std::array<bool, 2> valid{false, false};
  std::vector<Header> headers = kSlo;
  int priority = -1;
};

// "admitted", or the error.
std::string answer(const Case& with) {
  testing::Scene scene({{.name = "a", .running = with.running[0], .kv_usage = with.used[0]},
                        {.name = "b", .running = with.running[1], .kv_usage = with.used[1]}});
  const auto admitter = testing::make<LatencySloAdmitter>({}, scene.table);
  const Column<LatencyPrediction> column{
      *scene.table.find({"LatencyPredictionInfoDataKey", "predicted-latency-producer"})};
  scene.begin();
  const auto latency = scene.signals.write(column);
  for (EndpointIndex e = 0; e < 2; ++e) {
    latency[e].known = with.known[e];
    latency[e].ttft_valid = latency[e].tpot_valid = with.valid[e];
  }
  scene.request.priority = with.priority;
  scene.request.headers = with.headers;
  const auto admitted = admitter->admit(scene.context(), scene.all(), Random(1));
  return admitted ? "admitted" : admitted.error().message;
}

constexpr std::string_view kDenied = "no valid endpoint available to serve the request";

// The vectors of spec/03 section 15.2.
TEST(LatencySloAdmitter, RefusesWhenNobodyIsPredictedToMeetTheObjectives) {
  EXPECT_EQ(answer({}), kDenied);
  EXPECT_EQ(answer({.running = {5, 0}}), "admitted");
  EXPECT_EQ(answer({.used = {0.5, 0.01}}), "admitted");
  EXPECT_EQ(answer({.valid = {false, true}}), "admitted");
  EXPECT_EQ(answer({.known = {false, false}}), "admitted");
  EXPECT_EQ(answer({.known = {true, false}}), kDenied);
}

TEST(LatencySloAdmitter, RefusesOnlySheddableRequestsWithObjectives) {
  EXPECT_EQ(answer({.priority = 1}), "admitted");
  EXPECT_EQ(answer({.priority = 0}), "admitted");
  EXPECT_EQ(answer({.headers = {}}), "admitted");
  EXPECT_EQ(answer({.headers = kOldSlo}), kDenied);
  EXPECT_EQ(answer({.headers = {{"x-llm-d-slo-ttft-ms", "5e1"}}}), kDenied);
  EXPECT_EQ(answer({.headers = {{"x-llm-d-slo-ttft-ms", ""}, {"x-llm-d-slo-tpot-ms", "fast"}}}),
            "admitted");
  std::vector<Header> shadowed = kOldSlo;
  shadowed.push_back({"x-llm-d-slo-ttft-ms", "0"});
  shadowed.push_back({"x-llm-d-slo-tpot-ms", "0"});
  EXPECT_EQ(answer({.headers = shadowed}), "admitted");
}

TEST(LatencySloAdmitter, AdmitsWhereLoadsAreNotKnown) {
  EXPECT_EQ(answer({.used = {0.5, kNaN}}), "admitted");
  EXPECT_EQ(answer({.running = {kNaN, 3}}), "admitted");
}

TEST(LatencySloAdmitter, NeedsSomebodyWhoPredicts) {
  testing::Scene scene({{.name = "a"}});
  pointsman::Setup setup({std::string(LatencySloAdmitter::kType), "slo"}, {}, scene.table);
  const LatencySloAdmitter admitter({.latency_producer = "mine"}, setup);
  const auto declarations = setup.take_declarations();
  ASSERT_FALSE(declarations.empty());
  EXPECT_EQ(declarations[0].key.text(), "LatencyPredictionInfoDataKey/mine");
  EXPECT_EQ(declarations[0].access, Declaration::Access::requires_it);
}

}  // namespace
}  // namespace pointsman
