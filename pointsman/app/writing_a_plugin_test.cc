// The code of docs/writing-a-plugin.md: what stands there stands here, compiled, and does what the
// page says.

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/config/testing/wild_documents.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

struct SpareRoomParams {
  std::int64_t batch = 256;

  static constexpr auto fields() {
    return std::tuple{field("batch", &SpareRoomParams::batch, AtLeast{1},
                            "Requests that a server computes at once.")};
  }
};

// Prefers servers whose batch has room: 1 when it is empty, 0 when it is full.
class SpareRoomScorer final : public Scorer {
 public:
  using Params = SpareRoomParams;
  static constexpr std::string_view kType = "spare-room-scorer";
  static constexpr std::string_view kHelp = "Prefers endpoints whose batch has room.";

  SpareRoomScorer(const Params& params, Setup& setup) : batch_(static_cast<double>(params.batch)) {
    setup.reads_load({"RunningRequestsSize", "core-metrics-extractor"});
  }

  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override {
    const LoadView running = context.load(Load::running);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = 1.0 - running[candidates[i]] / batch_;
  }
  Reading reading() const override { return {Reading::From::load, Load::running}; }

 private:
  double batch_;
};

TEST(SpareRoomScorer, PrefersEmptyBatches) {
  testing::Scene scene({{.name = "half", .running = 5}, {.name = "empty", .running = 0}});
  const auto scorer = testing::make<SpareRoomScorer>({.batch = 10}, scene.table);
  scene.begin();
  EXPECT_EQ(testing::scores(*scorer, scene), (std::vector{0.5, 1.0}));
}

struct FailureGuardParams {
  std::int64_t limit = 3;

  static constexpr auto fields() {
    return std::tuple{field("limit", &FailureGuardParams::limit, AtLeast{1},
                            "Failures in a row after which an endpoint is left out.")};
  }
};

// Leaves out endpoints whose latest answers were all errors, unless that leaves nobody.
class FailureGuard final : public Filter, public Producer, public ResponseHook {
 public:
  using Params = FailureGuardParams;
  static constexpr std::string_view kType = "failure-guard";
  static constexpr std::string_view kHelp = "Leaves out endpoints that fail again and again.";

  FailureGuard(const Params& params, Setup& setup)
      : limit_(params.limit),
        failures_(setup.writes<std::int64_t>({"FailuresInARow", setup.name().name})) {}

  // State is read once per decision, into a signal that the record keeps.
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override {
    const auto failures = signals.write(failures_);
    for (const EndpointIndex e : candidates) failures[e] = seen_[slot(context, e)].load();
    return {};
  }

  // A filter sees recorded values only, so that a replay finds the same answer.
  void filter(const Context& context, Candidates& candidates) const override {
    const auto failures = context.signals.read(failures_);
    if (failures.empty()) return;
    candidates.keep_if_any(DropReason::other,
                           [&](EndpointIndex e) { return failures[e] < limit_; });
  }

  // State changes in hooks, and nowhere else.
  void finished(const Context& context, const Decision& decision, const Answer& answer,
                Effects& /*effects*/) override {
    if (decision.targets().empty()) return;
    auto& seen = seen_[slot(context, decision.targets()[0])];
    if (answer.status >= 500) {
      seen.fetch_add(1);
    } else {
      seen.store(0);
    }
  }

 private:
  static std::size_t slot(const Context& context, EndpointIndex e) {
    return context.fleet[e].key.slot() % kSlots;
  }

  static constexpr std::size_t kSlots = 4096;
  std::int64_t limit_;
  Column<std::int64_t> failures_;
  mutable std::array<std::atomic<std::int64_t>, kSlots> seen_{};
};

TEST(FailureGuard, LeavesOutWhoFailsAgainAndAgain) {
  testing::Scene scene({{.name = "good"}, {.name = "bad"}});
  const auto guard = testing::make<FailureGuard>({.limit = 2}, scene.table);
  Samples samples;
  HeaderEdits headers;
  Effects effects{samples, headers};
  const auto plan = std::make_shared<Plan>();
  const auto answer = [&](EndpointIndex who, int status) {
    Decision decision;
    decision.plan = plan;
    decision.picks = {who};
    decision.runs.push_back({.picks = 1});
    decision.primary = 0;
    guard->finished(scene.context(), decision, {.status = status}, effects);
    scene.begin();
    EXPECT_TRUE(guard->produce(scene.context(), scene.all(), scene.signals));
  };
  const std::vector<std::string> both{"good", "bad"};
  const std::vector<std::string> good{"good"};
  answer(1, 500);
  EXPECT_EQ(testing::kept(*guard, scene), both);
  answer(1, 503);
  EXPECT_EQ(testing::kept(*guard, scene), good);
  answer(1, 200);
  EXPECT_EQ(testing::kept(*guard, scene), both);
}

TEST(WritingAPlugin, BothCanBeRegistered) {
  Registry registry = builtin_plugins();
  registry.add<SpareRoomScorer>();
  registry.add<FailureGuard>({.stability = Stability::alpha});
  EXPECT_EQ(registry.find("failure-guard")->help, FailureGuard::kHelp);
  EXPECT_EQ(registry.find("spare-room-scorer")->parameters().front().name, "batch");
}

// Every block of C++ on the page is a stretch of this file.
TEST(WritingAPlugin, ThePageShowsThisCode) {
  const auto root = testing::source_root("docs/architecture.md");
  const std::string code = testing::contents(root / "pointsman/app/writing_a_plugin_test.cc");
  std::istringstream page(testing::contents(root / "docs/writing-a-plugin.md"));
  std::string block;
  std::size_t blocks = 0;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```cpp") {
      inside = true;
      block.clear();
    } else if (inside && line == "```") {
      inside = false;
      ++blocks;
      EXPECT_TRUE(code.contains(block)) << "not in the test:\n" << block;
    } else if (inside) {
      block += line + "\n";
    }
  }
  EXPECT_GE(blocks, 4U);
}

}  // namespace
}  // namespace pointsman
