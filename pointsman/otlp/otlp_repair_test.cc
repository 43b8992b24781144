#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/otlp/testing/collector.h"
#include "pointsman/telemetry/otlp_module.h"
#include "pointsman/telemetry/span_exporter.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;

const SpanContext kRoot{.trace_id = {0x0a, 0xf7}, .span_id = {0x11}, .flags = 3};

std::map<std::string, std::string> texts(const auto& attributes) {
  std::map<std::string, std::string> all;
  for (const auto& attribute : attributes) all[attribute.key()] = attribute.value().string_value();
  return all;
}

// What a client sends need not be text: it must not cost the batch, nor others their spans.
std::unique_ptr<TraceBuffer> trace_of_bytes() {
  Trace trace(kRoot, {}, std::make_unique<TraceBuffer>(), 1);
  {
    auto root = trace.enter("gateway\xff", SpanScope::handlers, SpanKind::server);
    const std::array<std::string_view, 2> names{"/a\xc3", "/\u00e9"};
    root.set("text", "r\xff");
    root.set("texts", std::span(names));
    root.exception("my.Error", "no parser for /zz\xff");
    root.error("no parser for /zz\xff");
  }
  return trace.release();
}

void expect_repaired(const otlp_proto::ExportTraceServiceRequest& request) {
  ASSERT_EQ(request.resource_spans_size(), 1);
  EXPECT_EQ(texts(request.resource_spans(0).resource().attributes()).at("host.name"), "h\uFFFD");
  ASSERT_EQ(request.resource_spans(0).scope_spans_size(), 1);
  ASSERT_EQ(request.resource_spans(0).scope_spans(0).spans_size(), 1);
  const auto& span = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_EQ(span.name(), "gateway\uFFFD");
  EXPECT_EQ(span.status().message(), "no parser for /zz\uFFFD");
  EXPECT_EQ(texts(span.events(0).attributes()).at("exception.message"), "no parser for /zz\uFFFD");
  ASSERT_EQ(span.attributes_size(), 2);
  EXPECT_EQ(span.attributes(0).value().string_value(), "r\uFFFD");
  const auto& list = span.attributes(1).value().array_value();
  EXPECT_EQ(list.values(0).string_value(), "/a\uFFFD");
  EXPECT_EQ(list.values(1).string_value(), "/\u00e9");
}

void expect_repair(const OtlpSettings& to, Received& received) {
  const TraceResource resource{
      .attributes = {{"host.name", "h\xff"}}, .scope_version = "v1", .scope_commit = "abc"};
  const auto sink = open_otlp(to, resource);
  ASSERT_TRUE(sink.has_value()) << sink.error().message;
  SpanBatch batch({});
  batch.add(trace_of_bytes());
  EXPECT_EQ((*sink)->send(batch.spans(), 10s).kind, SendOutcome::Kind::accepted);
  ASSERT_EQ(received.requests.size(), 1U);
  expect_repaired(received.requests[0]);
}

TEST(OtlpGrpc, RepairsTextThatIsNotUtf8) {
  GrpcCollector collector;
  expect_repair(
      {.protocol = OtlpProtocol::grpc, .target = "localhost:" + std::to_string(collector.port())},
      collector.received);
}

TEST(OtlpHttp, RepairsTextThatIsNotUtf8) {
  HttpCollector collector;
  expect_repair({.protocol = OtlpProtocol::http, .target = collector.url()}, collector.received);
}

}  // namespace
}  // namespace pointsman
