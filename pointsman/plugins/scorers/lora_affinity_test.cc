#include "pointsman/plugins/scorers/lora_affinity.h"

#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using testing::scores;

double score_of(Adapters adapters) {
  Scene scene({{.name = "a", .adapters = std::move(adapters)}});
  scene.request.target_model = "m";
  return scores(*make<LoraAffinityScorer>({}, scene.table), scene)[0];
}

TEST(LoraAffinityScorer, PrefersTheLoadedAdapterThenRoomThenTheWaitingOne) {
  EXPECT_EQ(score_of({.active = {"m"}, .waiting = {}, .room = 1}), 1.0);
  EXPECT_EQ(score_of({.active = {"a2"}, .waiting = {"m"}, .room = 5}), 0.8);
  EXPECT_EQ(score_of({.active = {"a2"}, .waiting = {"m"}, .room = 2}), 0.6);
  EXPECT_EQ(score_of({.active = {"a2", "a3"}, .waiting = {}, .room = 2}), 0.0);
  EXPECT_EQ(score_of({}), 0.0);
}

TEST(LoraAffinityScorer, HasRoomAnywhereForAnAdapterNobodyKnows) {
  EXPECT_EQ(score_of({.active = {"a2"}, .waiting = {}, .room = 2}), 0.8);
}

}  // namespace
}  // namespace pointsman
