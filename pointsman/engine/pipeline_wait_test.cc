// Requests that wait in the middle of their decision (Preparer).

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/testing/pipeline_rig.h"

namespace pointsman {
namespace {

// Asks for time, and counts how often it was asked and heard.
struct FakePreparer final : Producer, Preparer {
  using Params = NoParams;
  static constexpr std::string_view kType = "fake-preparer";
  static constexpr std::string_view kHelp = "For tests.";

  FakePreparer(NoParams /*params*/, Setup& /*setup*/) {}

  Result<bool> answer = true;
  std::shared_ptr<Wakeup> wakeup;
  int prepared = 0;
  mutable int produced = 0;

  Result<bool> prepare(const Context& /*context*/, std::span<const EndpointIndex> /*candidates*/,
                       Signals& /*signals*/, const std::shared_ptr<Wakeup>& way) override {
    ++prepared;
    wakeup = way;
    return answer;
  }
  Result<void> produce(const Context& /*context*/, std::span<const EndpointIndex> /*candidates*/,
                       Signals& /*signals*/) const override {
    ++produced;
    return {};
  }
};

// A pipeline with preparers whose worker runs what is posted when the test says so.
struct WaitRig : testing::PipelineRig {
  std::vector<std::function<void()>> posted;

  WaitRig() {
    registry.add<FakePreparer>();
    worker.post = [this](std::function<void()> task) { posted.push_back(std::move(task)); };
  }
  FakePreparer& add_preparer(const std::string& name) {
    Diagnostics problems;
    EXPECT_TRUE(
        plugins->create({.name = name, .type = std::string(FakePreparer::kType)}, "", problems));
    return static_cast<FakePreparer&>(*plugins->find(name)->producer);
  }
  void start(Trace trace = {}) { begin(session, "m", std::move(trace)); }
  void begin(testing::FakeSession& one, std::string_view body, Trace trace = {}) {
    one.reset();
    one.headers = headers;
    one.body = body;
    pipeline().begin(one, std::move(trace), worker);
    pipeline().run(shared_pipeline(), one, worker);
  }
  void run_posted() {
    for (const auto& task : std::exchange(posted, {})) task();
  }
};

TEST(PipelineWait, DecidesWhenTheWakeupHasRung) {
  WaitRig rig;
  const FakePreparer& slow = rig.add_preparer("slow");
  rig.start();
  EXPECT_TRUE(rig.session.outcomes.empty());
  EXPECT_EQ(slow.produced, 0);
  slow.wakeup->ring();
  EXPECT_TRUE(rig.session.outcomes.empty()) << "not on the ringing thread";
  rig.run_posted();
  ASSERT_EQ(rig.session.outcomes.size(), 1U);
  EXPECT_TRUE(rig.session.outcomes[0]);
  EXPECT_EQ(slow.prepared, 1);
  EXPECT_EQ(slow.produced, 1);
  EXPECT_FALSE(rig.session.decision->targets().empty());
}

TEST(PipelineWait, IsWokenOnce) {
  WaitRig rig;
  const FakePreparer& slow = rig.add_preparer("slow");
  rig.start();
  slow.wakeup->ring();
  slow.wakeup->ring();
  rig.run_posted();
  slow.wakeup->ring();
  rig.run_posted();
  EXPECT_EQ(rig.session.outcomes.size(), 1U);
}

TEST(PipelineWait, AsksOnePreparerAfterTheOther) {
  WaitRig rig;
  const FakePreparer& first = rig.add_preparer("first");
  const FakePreparer& second = rig.add_preparer("second");
  rig.start();
  EXPECT_EQ(second.prepared, 0);
  first.wakeup->ring();
  rig.run_posted();
  EXPECT_EQ(first.produced, 1);
  EXPECT_EQ(second.prepared, 1);
  EXPECT_TRUE(rig.session.outcomes.empty());
  second.wakeup->ring();
  rig.run_posted();
  EXPECT_EQ(rig.session.outcomes.size(), 1U);
}

TEST(PipelineWait, DoesNotWaitForWhoNeedsNoTime) {
  WaitRig rig;
  FakePreparer& quick = rig.add_preparer("quick");
  quick.answer = false;
  rig.start();
  EXPECT_EQ(rig.session.outcomes.size(), 1U);
  EXPECT_EQ(quick.produced, 1);
  quick.wakeup->ring();  // against the contract
  EXPECT_TRUE(rig.posted.empty());
}

TEST(PipelineWait, GoesOnWithoutWhoFails) {
  WaitRig rig;
  FakePreparer& broken = rig.add_preparer("broken");
  broken.answer = fail(Code::resource_exhausted, "full");
  rig.start();
  ASSERT_EQ(rig.session.outcomes.size(), 1U);
  EXPECT_TRUE(rig.session.outcomes[0]);
  EXPECT_EQ(broken.produced, 0);
  EXPECT_EQ(rig.metric("pointsman_producer_errors_total{plugin_name=\"broken\",plugin_type="
                       "\"fake-preparer\"}"),
            1);
}

TEST(PipelineWait, KeepsTheSpanOpenUntilItIsDecided) {
  WaitRig rig;
  const FakePreparer& slow = rig.add_preparer("slow");
  rig.start(testing::recording_trace());
  slow.wakeup->ring();
  rig.run_posted();
  rig.finish();
  const auto buffer = rig.session.trace.release();
  for (const SpanRecord& span : buffer->spans()) EXPECT_TRUE(span.ended) << span.name;
  EXPECT_EQ(buffer->spans()[1].name, "gateway.request_orchestration");
  EXPECT_EQ(buffer->spans()[2].parent, 1) << "the profile runs inside of it";
}

TEST(PipelineWait, ForgetsARequestThatIsGone) {
  WaitRig rig;
  const FakePreparer& slow = rig.add_preparer("slow");
  auto one = std::make_unique<testing::FakeSession>();
  rig.begin(*one, "m");
  const auto wakeup = slow.wakeup;
  one.reset();
  wakeup->ring();
  EXPECT_TRUE(rig.posted.empty());

  one = std::make_unique<testing::FakeSession>();
  rig.begin(*one, "m");
  slow.wakeup->ring();
  one.reset();  // with the task on its way
  rig.run_posted();
  EXPECT_EQ(slow.produced, 0);
}

TEST(PipelineWait, DoesNotAskWhereNobodyCouldBeWoken) {
  WaitRig rig;
  rig.worker.post = nullptr;
  const FakePreparer& slow = rig.add_preparer("slow");
  rig.start();
  EXPECT_EQ(rig.session.outcomes.size(), 1U);
  EXPECT_EQ(slow.prepared, 0);
  EXPECT_EQ(slow.produced, 1);
}

}  // namespace
}  // namespace pointsman
