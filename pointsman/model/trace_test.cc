#include "pointsman/model/trace.h"

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

SpanContext some_context() {
  SpanContext context{.flags = 1};
  context.trace_id.fill(7);
  context.span_id.fill(9);
  return context;
}

Trace recording() {
  return {some_context(), {}, std::make_unique<TraceBuffer>(), 42};
}

TEST(Trace, IsOffByDefaultAndThenRecordsNothing) {
  Trace trace;
  EXPECT_FALSE(trace.installed());
  auto scope = trace.enter("a", SpanScope::scheduling);
  EXPECT_FALSE(scope.recording());
  scope.set("k", 1);
  scope.error("x");
  scope.exception("t", "m");
  EXPECT_EQ(trace.release(), nullptr);
}

TEST(Trace, PropagatesWithoutRecordingWhenNotSampled) {
  Trace trace(some_context());
  EXPECT_TRUE(trace.installed());
  EXPECT_FALSE(trace.recording());
  EXPECT_FALSE(trace.enter("a", SpanScope::scheduling).recording());
}

TEST(Trace, NestsSpansByOpenScope) {
  Trace trace = recording();
  {
    auto root = trace.enter("root", SpanScope::handlers, SpanKind::server);
    {
      auto first = trace.enter("first", SpanScope::scheduling);
    }
    auto second = trace.enter("second", SpanScope::scheduling);
    auto inner = trace.enter("inner", SpanScope::plugins);
  }
  const auto buffer = trace.release();
  const auto spans = buffer->spans();
  ASSERT_EQ(spans.size(), 4U);
  EXPECT_EQ(spans[0].parent, -1);
  EXPECT_EQ(spans[1].parent, 0);
  EXPECT_EQ(spans[2].parent, 0);
  EXPECT_EQ(spans[3].parent, 2);
  EXPECT_EQ(spans[0].id, some_context().span_id);
  EXPECT_NE(spans[1].id, spans[2].id);
  for (const SpanRecord& span : spans) {
    EXPECT_TRUE(span.ended);
    EXPECT_LE(span.began, span.end);
  }
}

TEST(Trace, KeepsCopiesOfEveryKindOfAttribute) {
  Trace trace = recording();
  {
    auto scope = trace.enter("a", SpanScope::scheduling);
    const std::string text = "value";
    const std::array<std::string_view, 2> texts{"x", "y"};
    const std::array<double, 2> numbers{1.5, 2.5};
    scope.set("i", 3);
    scope.set("n", 0.25);
    scope.set("b", true);
    scope.set("t", text);
    scope.set("ts", std::span(texts));
    scope.set("ns", std::span(numbers));
  }
  const auto all = trace.buffer()->attributes();
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all[0].integer, 3);
  EXPECT_EQ(all[1].number, 0.25);
  EXPECT_TRUE(all[2].boolean);
  EXPECT_EQ(std::string_view(all[3].text, all[3].count), "value");
  EXPECT_EQ(all[4].texts[1], "y");
  EXPECT_EQ(all[5].numbers[1], 2.5);
  for (const Attribute& attribute : all) EXPECT_EQ(attribute.span, 0);
}

TEST(Trace, DropsAndCountsWhatDoesNotFit) {
  Trace trace = recording();
  auto root = trace.enter("root", SpanScope::handlers);
  for (std::size_t i = 0; i < TraceBuffer::kSpans + 5; ++i) {
    auto scope = trace.enter("child", SpanScope::scheduling);
    for (int k = 0; k < 10; ++k) scope.set("k", k);
  }
  root.set("long", std::string(2 * TraceBuffer::kBytes, 'x'));
  EXPECT_EQ(trace.buffer()->spans().size(), TraceBuffer::kSpans);
  EXPECT_EQ(trace.buffer()->dropped_spans(), 6U);
  EXPECT_EQ(trace.buffer()->attributes().size(), TraceBuffer::kAttributes);
  EXPECT_GT(trace.buffer()->dropped_attributes(), 0U);
}

TEST(Trace, RecordsAnExceptionInFlightWithItsTypeAndText) {
  Trace trace = recording();
  const auto run = [&trace] {
    auto scope = trace.enter("a", SpanScope::scheduling);
    try {
      throw std::runtime_error("broken");
    } catch (...) {
      scope.exception(std::current_exception());
      throw;
    }
  };
  EXPECT_THROW(run(), std::runtime_error);
  const SpanRecord& span = trace.buffer()->spans()[0];
  EXPECT_TRUE(span.ended);
  EXPECT_FALSE(span.error);
  EXPECT_EQ(span.exception_type, "std::runtime_error");
  EXPECT_EQ(span.exception_message, "broken");
}

TEST(Trace, MovesAnOpenScope) {
  Trace trace = recording();
  Trace::Scope kept;
  {
    auto scope = trace.enter("a", SpanScope::scheduling);
    kept = std::move(scope);
  }
  EXPECT_FALSE(trace.buffer()->spans()[0].ended);
  kept.error("late");
  kept.end();
  EXPECT_TRUE(trace.buffer()->spans()[0].ended);
  EXPECT_EQ(trace.buffer()->spans()[0].status, "late");
}

}  // namespace
}  // namespace pointsman
