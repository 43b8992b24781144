#include "pointsman/plugins/scorers/encoder_cache.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/producers/encoder_cache.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;
using Kind = PromptPart::Kind;
using Scores = std::vector<double>;

TEST(EncoderCacheScorer, ScoresTheShareThatIsHeld) {
  Scene scene({{.name = "a"}, {.name = "b"}, {.name = "c"}});
  const auto scorer = testing::make<EncoderCacheScorer>({}, scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto match = producer.writes<EncoderMatch>(
      {"MultiModalEncoderCacheMatchInfoKey", "mm-embeddings-cache-producer"});
  scene.begin();
  EXPECT_TRUE(std::isnan(testing::scores(*scorer, scene)[0]));
  scene.signals.write(match)[0] = {.matched = 80, .requested = 100};
  scene.signals.write(match)[1] = {.matched = 20, .requested = 100};
  scene.signals.write(match)[2] = {.matched = 0, .requested = 100};
  EXPECT_EQ(testing::scores(*scorer, scene), (Scores{0.8, 0.2, 0}));
}

// A producer and its scorer before two endpoints.
struct Bench {
  Scene scene{{{.name = "a"}, {.name = "b"}}};
  std::shared_ptr<EncoderCacheProducer> producer;
  std::shared_ptr<EncoderCacheScorer> scorer;
  Cell<TokenizedPrompt> prompt;
  std::vector<MediaItem> media;
  Decision decision;
  Samples samples;
  HeaderEdits headers;
  Effects effects{samples, headers};

  explicit Bench(const EncoderCacheParams& params = {})
      : producer(testing::make<EncoderCacheProducer>(params, scene.table)),
        scorer(testing::make<EncoderCacheScorer>({}, scene.table)) {
    pointsman::Setup others({}, {}, scene.table);
    prompt = others.writes_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
  }
  Scores ask(std::vector<MediaItem> items) {
    media = std::move(items);
    scene.begin();
    scene.signals.write(prompt) = {.media = media};
    EXPECT_TRUE(producer->produce(scene.context(), scene.all(), scene.signals));
    return testing::scores(*scorer, scene);
  }
  void send(std::vector<EndpointIndex> to) {
    decision.picks = std::move(to);
    decision.runs = {{.picks = static_cast<std::uint32_t>(decision.picks.size())}};
    decision.primary = 0;
    samples = {};
    producer->dispatched(scene.context(), decision, effects);
  }
};

TEST(EncoderCacheProducer, LearnsWhereItemsWent) {
  Bench bench;
  EXPECT_EQ(bench.ask({{1, Kind::image}, {2, Kind::audio}}), (Scores{0, 0}));
  bench.send({0});
  EXPECT_EQ(bench.ask({{1, Kind::image}, {3, Kind::image}, {1, Kind::image}}), (Scores{0.5, 0}));
  bench.send({0, 1});
  EXPECT_EQ(bench.ask({{3, Kind::image}}), (Scores{1, 1}));
}

TEST(EncoderCacheProducer, SaysNothingOfARequestWithoutMedia) {
  Bench bench;
  EXPECT_TRUE(std::isnan(bench.ask({})[0]));
  bench.send({0});
  EXPECT_TRUE(bench.samples.all().empty());
}

TEST(EncoderCacheProducer, SamplesQueriesAndHitsOfTheChosenEndpoint) {
  Bench bench;
  bench.ask({{1, Kind::image}});
  bench.send({0});
  bench.ask({{1, Kind::image}, {2, Kind::video}});
  bench.send({0});
  std::vector<std::string> seen;
  for (const auto& s : bench.samples.all()) {
    seen.push_back(std::string(s.family) + " " + std::string(s.kind) + " " +
                   std::to_string(s.value));
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{
                "encoder_cache_hit_ratio  0.500000", "encoder_cache_queries image 1.000000",
                "encoder_cache_hits image 1.000000", "encoder_cache_queries video 1.000000"}));
}

TEST(EncoderCacheProducer, RemembersSoManyItems) {
  Bench bench({.megabytes = 4});
  for (const std::uint64_t hash : {1U, 2U, 3U}) {
    bench.ask({{hash, Kind::image}});
    bench.send({0});
  }
  EXPECT_EQ(bench.ask({{1, Kind::image}}), (Scores{0, 0}));
  EXPECT_EQ(bench.ask({{3, Kind::image}}), (Scores{1, 0}));
}

TEST(EncoderCacheProducer, ForgetsEndpointsThatLeft) {
  Bench bench;
  bench.ask({{1, Kind::image}});
  bench.send({0});
  bench.producer->tend(bench.scene.fleet);
  EXPECT_EQ(bench.ask({{1, Kind::image}})[0], 1.0);
  Endpoint other{.name = "c", .address = "10.0.0.9", .port = 1, .key = {9}};
  other.complete();
  bench.producer->tend(Fleet(std::make_shared<const std::vector<Endpoint>>(1, other)));
  EXPECT_EQ(bench.ask({{1, Kind::image}})[0], 0.0);
}

TEST(EncoderCacheParams, TakeTwoMegabytesForAnItem) {
  EXPECT_EQ(EncoderCacheParams{.megabytes = 4}.items(), 2U);
  EXPECT_EQ(EncoderCacheParams{.megabytes = 2048}.items(), 1024U);
  EXPECT_EQ(EncoderCacheParams{.megabytes = 0}.items(), 2048U);
  EXPECT_EQ(EncoderCacheParams{.megabytes = 1}.items(), 1U);
  EXPECT_EQ(EncoderCacheParams{.megabytes_alias = 100}.items(), 50U);
}

}  // namespace
}  // namespace pointsman
