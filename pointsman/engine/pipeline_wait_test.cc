// Requests that wait in the middle of their decision (Preparer).

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
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
  std::optional<Clock::duration> limit;
  std::shared_ptr<Wakeup> wakeup;
  int prepared = 0;
  mutable int produced = 0;

  Result<bool> prepare(const Context& /*context*/, std::span<const EndpointIndex> /*candidates*/,
                       Signals& /*signals*/, const std::shared_ptr<Wakeup>& way) override {
    ++prepared;
    wakeup = way;
    return answer;
  }
  Clock::duration patience() const override { return limit.value_or(Preparer::patience()); }
  Result<void> produce(const Context& /*context*/, std::span<const EndpointIndex> /*candidates*/,
                       Signals& /*signals*/) const override {
    ++produced;
    return {};
  }
};

// A pipeline with preparers whose worker runs what is posted when the test says so.
struct WaitRig : testing::PipelineRig {
  std::vector<std::function<void()>> posted;
  // What is to run when a time has passed, and that time.
  struct Alarm {
    Clock::duration after;
    std::function<void()> task;
  };
  std::vector<std::weak_ptr<Alarm>> alarms;

  WaitRig() {
    registry.add<FakePreparer>();
    worker.post = [this](std::function<void()> task) { posted.push_back(std::move(task)); };
    worker.alarm = [this](Clock::duration after, std::function<void()> task) {
      auto alarm = std::make_shared<Alarm>(after, std::move(task));
      alarms.push_back(alarm);
      return alarm;
    };
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

TEST(PipelineWait, GoesOnWithoutWhoTakesTooLong) {
  WaitRig rig;
  const FakePreparer& slow = rig.add_preparer("slow");
  const FakePreparer& next = rig.add_preparer("next");
  rig.start();
  ASSERT_EQ(rig.alarms.size(), 1U);
  const auto alarm = rig.alarms[0].lock();
  ASSERT_NE(alarm, nullptr);
  EXPECT_EQ(alarm->after, std::chrono::milliseconds(400));
  const auto wakeup = slow.wakeup;
  alarm->task();
  EXPECT_EQ(next.prepared, 0) << "the alarm's own call takes no step";
  rig.run_posted();
  EXPECT_EQ(slow.produced, 0);
  EXPECT_EQ(next.prepared, 1);
  EXPECT_EQ(rig.metric("pointsman_producer_errors_total{plugin_name=\"slow\",plugin_type="
                       "\"fake-preparer\"}"),
            1);
  wakeup->ring();  // too late
  EXPECT_TRUE(rig.posted.empty());
  next.wakeup->ring();
  rig.run_posted();
  ASSERT_EQ(rig.session.outcomes.size(), 1U);
  EXPECT_TRUE(rig.session.outcomes[0]);
  EXPECT_EQ(next.produced, 1);
}

TEST(PipelineWait, ForgetsTheTimeOutOfWhoIsInTime) {
  WaitRig rig;
  FakePreparer& slow = rig.add_preparer("slow");
  slow.limit = std::chrono::seconds(30);
  rig.start();
  ASSERT_EQ(rig.alarms.size(), 1U);
  const auto late = rig.alarms[0].lock()->task;
  EXPECT_EQ(rig.alarms[0].lock()->after, std::chrono::seconds(30));
  slow.wakeup->ring();
  late();  // with the wakeup on its way
  rig.run_posted();
  EXPECT_TRUE(rig.alarms[0].expired());
  late();
  EXPECT_TRUE(rig.posted.empty());
  EXPECT_EQ(slow.produced, 1);
  EXPECT_EQ(rig.session.outcomes.size(), 1U);
}

TEST(PipelineWait, SetsNoAlarmForWhoNeedsNoTime) {
  WaitRig rig;
  FakePreparer& quick = rig.add_preparer("quick");
  quick.answer = false;
  rig.start();
  EXPECT_TRUE(rig.alarms.empty());
}

}  // namespace
}  // namespace pointsman
