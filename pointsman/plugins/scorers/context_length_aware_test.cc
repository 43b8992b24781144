#include "pointsman/plugins/scorers/context_length_aware.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using Names = std::vector<std::string>;

const std::string kLabel = "llm-d.ai/context-length-range";

struct Lengths {
  Scene scene;
  std::shared_ptr<ContextLengthAware> plugin;

  Lengths(const std::vector<testing::Server>& servers, std::int64_t tokens,
          const ContextLengthParams& params = {})
      : scene(servers), plugin(make<ContextLengthAware>(params, scene.table)) {
    pointsman::Setup producer({}, {}, scene.table);
    const auto cell = producer.writes_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
    scene.begin();
    scene.signals.write(cell) = {.tokens = tokens};
  }
};

double score_of(std::int64_t tokens, const std::string& range) {
  Lengths lengths({{.name = "a", .labels = {{kLabel, range}}}}, tokens);
  return testing::scores(*lengths.plugin, lengths.scene)[0];
}

TEST(ContextLengthAware, ScoresTightRangesBestAndDistanceWorst) {
  EXPECT_DOUBLE_EQ(score_of(0, "0-20"), 0.9990219560878242);
  EXPECT_DOUBLE_EQ(score_of(0, "0-10000"), 0.755);
  EXPECT_DOUBLE_EQ(score_of(0, "500-1000"), 0.2);
  EXPECT_DOUBLE_EQ(score_of(9000, "0-2048"), 0.03772635814889336);
  EXPECT_DOUBLE_EQ(score_of(9000, "0-8192"), 0.165929203539823);
  EXPECT_DOUBLE_EQ(score_of(50, "500-2048"), 0.20689655172413793);
  EXPECT_DOUBLE_EQ(score_of(50, "100-1024"), 0.2857142857142857);
  EXPECT_DOUBLE_EQ(score_of(14999, "0-15000"), 0.496014);
  EXPECT_DOUBLE_EQ(score_of(14999, "15001-20000"), 0.2994011976047904);
  EXPECT_DOUBLE_EQ(score_of(42, "0-52"), 0.8278497964431111);
  EXPECT_DOUBLE_EQ(score_of(42, "42-42"), 1.0);
}

TEST(ContextLengthAware, ScoresTheUnlabelledInTheMiddleAndTheUnreadableLast) {
  Lengths lengths({{.name = "a"}, {.name = "b", .labels = {{kLabel, "x"}}}}, 10);
  EXPECT_EQ(testing::scores(*lengths.plugin, lengths.scene), (std::vector{0.5, 0.0}));
}

TEST(ContextLengthAware, FiltersOnlyWhenAsked) {
  const std::vector<testing::Server> servers{{.name = "any"},
                                             {.name = "short", .labels = {{kLabel, "0-10"}}},
                                             {.name = "long", .labels = {{kLabel, "11-99"}}},
                                             {.name = "odd", .labels = {{kLabel, "many"}}}};
  Lengths off(servers, 10);
  EXPECT_EQ(testing::kept(*off.plugin, off.scene).size(), 4U);
  Lengths on(servers, 10, {.filtering = true});
  EXPECT_EQ(testing::kept(*on.plugin, on.scene), (Names{"any", "short"}));
}

TEST(LengthRange, IsTwoNumbersInOrder) {
  EXPECT_TRUE(LengthRange::parse(" 1 - 2 "));
  for (const char* const text : {"", "-", "1", "1-", "-2", "2-1", "1-2-3", "1--2", "a-b", "1-2x"}) {
    EXPECT_FALSE(LengthRange::parse(text)) << text;
  }
}

TEST(ContextLengthParams, NeedALabel) {
  EXPECT_FALSE(ContextLengthParams::check({.label = ""}));
}

}  // namespace
}  // namespace pointsman
