#include "pointsman/sim/replay.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/sim/sim.h"

namespace pointsman {
namespace {

constexpr double kScale = 200;

// A trace file that goes with the test.
class TraceFile {
 public:
  explicit TraceFile(const std::string& text) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            (std::string("pointsman_") + test->name() + "_" + std::to_string(::getpid()));
    std::ofstream(path_) << text;
  }
  ~TraceFile() { std::filesystem::remove(path_); }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Ten requests in 3 s with the same two blocks in front.
std::string trace() {
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += R"({"timestamp":0,"input_length":1100,"output_length":5,"hash_ids":[1,2,)" +
            std::to_string(100 + i) + "]}\n";
  }
  return text;
}

std::string url(const SimFleet& fleet) {
  return "http://" + fleet.address(0).text();
}

std::unique_ptr<SimFleet> open(Loop& loop) {
  auto fleet = SimFleet::open(loop, {.port = 0, .time_scale = kScale});
  return fleet ? *std::move(fleet) : nullptr;
}

TEST(Replay, SendsEveryRequestToEveryTargetAndMeasuresThem) {
  Loop loop;
  const auto one = open(loop);
  const auto other = open(loop);
  const TraceFile file(trace());
  const ReplayOptions options{.trace = file.path(),
                              .warm_up = 4,
                              .requests = 6,
                              .time_scale = kScale,
                              .targets = {{"one", url(*one)}, {"other", url(*other)}}};
  std::size_t sent = 0;
  const auto results =
      replay(loop, options, [&](std::size_t so_far, const auto&) { sent = so_far; });
  ASSERT_TRUE(results.has_value()) << results.error().message;
  EXPECT_EQ(sent, 10U);
  ASSERT_EQ(results->size(), 2U);
  for (const auto& [name, tally] : *results) {
    EXPECT_EQ(tally.finished(), 6U) << name;
    EXPECT_EQ(tally.failed(), 0U) << name;
    // 128 of 138 wire tokens, since the warm-up left both shared blocks in the cache.
    EXPECT_NEAR(tally.cached_share(), 128.0 / 138, 1e-9);
    EXPECT_GE(tally.ttft(0), 0.010);  // no step is shorter
  }
}

TEST(Replay, CountsFailuresByWhatWentWrong) {
  Loop loop;
  const auto fleet = open(loop);
  const TraceFile file(trace());
  const ReplayOptions options{
      .trace = file.path(),
      .warm_up = 0,
      .requests = 10,
      .time_scale = kScale,
      .model = "no-such-model",
      .targets = {{"wrong model", url(*fleet)}, {"nobody", "http://127.0.0.1:1"}}};
  const auto results = replay(loop, options, [](std::size_t, const auto&) {});
  ASSERT_TRUE(results.has_value());
  EXPECT_EQ((*results)[0].tally.errors().at("status 404"), 10U);
  EXPECT_EQ((*results)[1].tally.failed(), 10U);
}

TEST(Replay, RefusesWhatItCannotDo) {
  Loop loop;
  const auto error = [&](const ReplayOptions& options) {
    const auto results = replay(loop, options, [](std::size_t, const auto&) {});
    return results ? "accepted" : results.error().message;
  };
  const TraceFile file(trace());
  EXPECT_EQ(error({.trace = file.path()}), "a replay needs a target");
  EXPECT_EQ(error({.trace = file.path(), .targets = {{"a", "http://127.0.0.1:1"}}}),
            file.path() + ": has only 10 requests");
  EXPECT_EQ(error({.trace = "/nonexistent", .targets = {{"a", "http://127.0.0.1:1"}}}),
            "/nonexistent: cannot be read");
}

}  // namespace
}  // namespace pointsman
