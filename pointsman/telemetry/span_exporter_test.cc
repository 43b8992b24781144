#include "pointsman/telemetry/span_exporter.h"

#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/telemetry/testing/fake_sink.h"
#include "pointsman/telemetry/testing/traces.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;
using Kind = SendOutcome::Kind;

struct Rig {
  explicit Rig(BatchSettings batch = {.schedule_delay = 1h},
               RetryPolicy retry = {.first = 1ms, .longest = 2ms, .give_up = 1h})
      : exporter(batch, {}, std::make_unique<FakeSink>(sink), pool, Logger(log), retry) {}

  TracePool pool;
  SinkRecord sink;
  Log log{open("/dev/null", O_WRONLY | O_CLOEXEC)};
  SpanExporter exporter;
};

TEST(SpanExporter, SendsAFullBatchAtOnceAndTheRestInTime) {
  Rig rig({.schedule_delay = 20ms, .max_export_batch_size = 4});
  rig.exporter.start();
  rig.exporter.offer(finished_trace("a", 3));
  ASSERT_TRUE(rig.sink.wait_for_sends(1));
  rig.exporter.offer(finished_trace("b"));
  ASSERT_TRUE(rig.sink.wait_for_sends(2));
  rig.exporter.stop(5s);
  EXPECT_EQ(rig.sink.names, (std::vector<std::string>{"a", "child", "child", "child", "b"}));
  EXPECT_EQ(rig.exporter.counts().exported, 5U);
}

TEST(SpanExporter, StopSendsWhatIsQueued) {
  Rig rig({.schedule_delay = 1h, .max_export_batch_size = 3});
  rig.exporter.start();
  rig.exporter.offer(finished_trace("a"));
  rig.exporter.offer(finished_trace("b"));
  rig.exporter.stop(5s);
  EXPECT_EQ(rig.sink.names, (std::vector<std::string>{"a", "b"}));
  rig.exporter.offer(finished_trace("late"));
  EXPECT_EQ(rig.exporter.counts().queue_full, 1U);
}

TEST(SpanExporter, KeepsAtMostItsQueueAndCountsTheRest) {
  Rig rig({.schedule_delay = 1h, .max_queue_size = 6, .max_export_batch_size = 6});
  for (int i = 0; i < 5; ++i) rig.exporter.offer(finished_trace("t", 1));
  EXPECT_EQ(rig.exporter.counts().queue_full, 4U);
  rig.exporter.start();
  rig.exporter.stop(5s);
  EXPECT_EQ(rig.exporter.counts().exported, 6U);
}

TEST(SpanExporter, TriesAgainWhatMaySucceedLater) {
  Rig rig;
  rig.sink.answers = {{.kind = Kind::retry, .detail = "unavailable"},
                      {.kind = Kind::retry, .detail = "unavailable"}};
  rig.exporter.start();
  rig.exporter.offer(finished_trace("a"));
  for (int i = 0; i < 511; ++i) rig.exporter.offer(finished_trace("b"));
  ASSERT_TRUE(rig.sink.wait_for_sends(3));
  rig.exporter.stop(5s);
  EXPECT_EQ(rig.exporter.counts().exported, 512U);
  EXPECT_EQ(rig.exporter.counts().given_up, 0U);
}

TEST(SpanExporter, DoesNotRepeatWhatIsRefused) {
  Rig rig;
  rig.sink.answers = {{.kind = Kind::refused, .detail = "bad"},
                      {.kind = Kind::accepted, .rejected = 1, .detail = "one too old"}};
  rig.exporter.start();
  for (int i = 0; i < 512; ++i) rig.exporter.offer(finished_trace("a"));
  ASSERT_TRUE(rig.sink.wait_for_sends(1));
  rig.exporter.offer(finished_trace("b", 1));
  rig.exporter.stop(5s);
  EXPECT_EQ(rig.exporter.counts().rejected, 513U);
  EXPECT_EQ(rig.exporter.counts().exported, 1U);
}

TEST(SpanExporter, GivesUpInTheEnd) {
  Rig rig({.schedule_delay = 1ms}, {.first = 1ms, .longest = 2ms, .give_up = 20ms});
  for (int i = 0; i < 100; ++i) rig.sink.answers.push_back({.kind = Kind::retry});
  rig.exporter.start();
  rig.exporter.offer(finished_trace("a"));
  for (int i = 0; i < 10'000 && rig.exporter.counts().given_up == 0; ++i) {
    std::this_thread::yield();
    poll(nullptr, 0, 1);
  }
  EXPECT_EQ(rig.exporter.counts().given_up, 1U);
}

TEST(SpanExporter, TakesNoMemoryForATraceHandedOver) {
  Rig rig;
  std::vector<std::unique_ptr<TraceBuffer>> buffers;
  for (int i = 0; i < 8; ++i) buffers.push_back(rig.pool.take());
  for (auto& buffer : buffers) rig.pool.give_back(std::move(buffer));
  const auto before = testing::allocations();
  for (int i = 0; i < 8; ++i) {
    Trace trace({.trace_id = {1}, .span_id = {1}, .flags = 1}, {}, rig.pool.take(), 1);
    {
      const auto scope = trace.enter("t", SpanScope::handlers);
    }
    rig.exporter.offer(trace.release());
  }
  EXPECT_EQ(testing::allocations(), before);
}

// A collector that is dead for longer than a pause asks for more patience than is left.
TEST(SpanExporter, DoesNotWaitLongerThanItMayToTryAgain) {
  Rig rig({.schedule_delay = 1ms}, {.first = 1h, .longest = 1h, .give_up = 10s});
  rig.sink.answers = {{.kind = Kind::retry}};
  rig.exporter.start();
  rig.exporter.offer(finished_trace("a"));
  ASSERT_TRUE(rig.sink.wait_for_sends(1));
  rig.exporter.stop(5s);
  EXPECT_EQ(rig.exporter.counts().given_up, 1U);
}

TEST(SpanExporter, AHangingCollectorHoldsNeitherOfferNorStop) {
  Rig rig({.schedule_delay = 1ms, .max_queue_size = 64, .max_export_batch_size = 16});
  rig.sink.hang = true;
  rig.exporter.start();
  rig.exporter.offer(finished_trace("first"));
  ASSERT_TRUE(rig.sink.wait_for_sends(1));
  for (int i = 0; i < 10'000; ++i) {
    if (auto buffer = rig.pool.take()) {
      Trace trace({.trace_id = {1}, .span_id = {1}, .flags = 1}, {}, std::move(buffer), 1);
      {
        const auto scope = trace.enter("t", SpanScope::handlers);
      }
      rig.exporter.offer(trace.release());
    }
  }
  EXPECT_EQ(rig.exporter.counts().queue_full, 10'000U - 64);
  const auto began = Clock::now();
  rig.exporter.stop(50ms);
  EXPECT_LT(Clock::now() - began, 5s);
  EXPECT_TRUE(rig.sink.cancelled);
  EXPECT_EQ(rig.exporter.counts().given_up, 65U);
  EXPECT_EQ(rig.exporter.counts().exported, 0U);
}

TEST(SpanExporter, TakesTracesFromManyThreadsWhileItSends) {
  constexpr int kEach = 300;
  Rig rig({.schedule_delay = 1ms, .max_queue_size = 4096, .max_export_batch_size = 32});
  rig.exporter.start();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&rig] {
        for (int i = 0; i < kEach; ++i) {
          auto buffer = rig.pool.take();
          ASSERT_NE(buffer, nullptr);
          Trace trace({.trace_id = {1}, .span_id = {1}, .flags = 1}, {}, std::move(buffer), 1);
          {
            const auto scope = trace.enter("t", SpanScope::handlers);
          }
          rig.exporter.offer(trace.release());
        }
      });
    }
  }
  rig.exporter.stop(10s);
  EXPECT_EQ(rig.exporter.counts().exported + rig.exporter.counts().queue_full, 4U * kEach);
  EXPECT_EQ(rig.exporter.counts().exported, rig.sink.names.size());
}

TEST(TracePool, HasABoundAndUsesItsBuffersAgain) {
  TracePool pool(2, 2);
  auto a = pool.take();
  auto b = pool.take();
  const TraceBuffer* const first = a.get();
  EXPECT_EQ(pool.take(), nullptr);
  pool.give_back(std::move(a));
  auto again = pool.take();
  EXPECT_EQ(again.get(), first);
}

TEST(BoundedQueue, KeepsOrderAndItsBound) {
  BoundedQueue<int> queue(4);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(i));
    int more = 9;
    EXPECT_FALSE(queue.push(more));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(queue.pop(), i);
    EXPECT_EQ(queue.pop(), std::nullopt);
  }
}

}  // namespace
}  // namespace pointsman
