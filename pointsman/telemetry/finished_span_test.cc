#include "pointsman/telemetry/finished_span.h"

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/telemetry/testing/traces.h"

namespace pointsman {
namespace {

const SpanContext kRoot{.trace_id = {1}, .span_id = {2}, .flags = 3};
const SpanContext kCaller{.trace_id = {1}, .span_id = {9}, .flags = 3};

TEST(FinishedSpan, NamesItsParentAndWhetherThatIsRemote) {
  Trace trace(kRoot, kCaller, std::make_unique<TraceBuffer>(), 1, "a=1");
  {
    const auto root = trace.enter("root", SpanScope::handlers, SpanKind::server);
    const auto child = trace.enter("child", SpanScope::scheduling);
  }
  SpanBatch batch({});
  batch.add(trace.release());
  const auto spans = batch.spans();
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].trace_id, kRoot.trace_id);
  EXPECT_EQ(spans[0].id, kRoot.span_id);
  EXPECT_EQ(spans[0].parent, kCaller.span_id);
  EXPECT_EQ(spans[0].flags, 0x303U);
  EXPECT_EQ(spans[0].kind, SpanKind::server);
  EXPECT_EQ(spans[0].scope, "llm-d-router/pkg/epp/handlers");
  EXPECT_EQ(spans[0].trace_state, "a=1");
  EXPECT_EQ(spans[1].parent, kRoot.span_id);
  EXPECT_EQ(spans[1].flags, 0x103U);
  EXPECT_LE(spans[0].began_ns, spans[1].began_ns);
  EXPECT_LE(spans[1].ended_ns, spans[0].ended_ns);
  EXPECT_GT(spans[0].began_ns, 1'700'000'000'000'000'000);
}

TEST(FinishedSpan, OfATraceOfItsOwnHasNoParent) {
  SpanBatch batch({});
  batch.add(finished_trace("a"));
  EXPECT_EQ(batch.spans()[0].parent, (std::array<std::uint8_t, 8>{}));
  EXPECT_EQ(batch.spans()[0].flags, 0x101U);
}

TEST(FinishedSpan, HasEachKeyOnceWithItsLastValue) {
  Trace trace(kRoot, {}, std::make_unique<TraceBuffer>(), 1);
  {
    auto root = trace.enter("root", SpanScope::handlers);
    root.set("a", 1);
    auto child = trace.enter("child", SpanScope::handlers);
    child.set("a", 5);
    root.set("b", 2);
    root.set("a", 3);
  }
  SpanBatch batch({});
  batch.add(trace.release());
  const auto attributes = batch.spans()[0].attributes;
  ASSERT_EQ(attributes.size(), 2U);
  EXPECT_EQ(attributes[0].key, "a");
  EXPECT_EQ(attributes[0].integer, 3);
  EXPECT_EQ(attributes[1].key, "b");
  EXPECT_EQ(batch.spans()[1].attributes[0].integer, 5);
}

TEST(FinishedSpan, KeepsItsLimits) {
  Trace trace(kRoot, {}, std::make_unique<TraceBuffer>(), 1);
  {
    auto root = trace.enter("root", SpanScope::handlers);
    const std::array<std::string_view, 2> texts{"abcdef", "xy"};
    root.set("text", "aé€xyz");
    root.set("texts", std::span(texts));
    root.set("more", 1);
    root.set("and more", 1);
    root.exception("type", "message");
  }
  SpanBatch batch({.attributes = 2, .events = 0, .text = 3});
  batch.add(trace.release());
  const FinishedSpan& span = batch.spans()[0];
  ASSERT_EQ(span.attributes.size(), 2U);
  EXPECT_EQ(std::string_view(span.attributes[0].text, span.attributes[0].count), "aé€");
  EXPECT_EQ(span.attributes[1].texts[0], "abc");
  EXPECT_EQ(span.attributes[1].texts[1], "xy");
  EXPECT_EQ(span.dropped_attributes, 2U);
  EXPECT_TRUE(span.exception_type.empty());
}

TEST(FinishedSpan, ThatWasNeverEndedEndsWithItsTrace) {
  Trace trace(kRoot, {}, std::make_unique<TraceBuffer>(), 1);
  auto root = trace.enter("root", SpanScope::handlers);
  SpanBatch batch({});
  batch.add(trace.release());
  EXPECT_GE(batch.spans()[0].ended_ns, batch.spans()[0].began_ns);
}

}  // namespace
}  // namespace pointsman
