#include "pointsman/telemetry/tracer.h"

#include <array>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/telemetry/console_sink.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/telemetry/testing/fake_sink.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;

const std::string kTraceId = "0af7651916cd43dd8448eb211c80319c";
const std::string kCaller = "b7ad6b7169203331";

std::string text(const OutgoingTrace& outgoing) {
  return {outgoing.traceparent.data(), outgoing.traceparent.size()};
}

struct Rig {
  explicit Rig(const TraceVariables& environment = {})
      : settings(read_trace_environment(environment, {"epp", "v1", "abc"}).value()),
        tracer(settings, std::make_unique<FakeSink>(sink), Logger(log)) {}

  // A request from begin to end; returns what went upstream.
  OutgoingTrace request(const TraceHeaders& headers) {
    Trace trace = tracer.begin(headers, random);
    recorded = trace.recording();
    const OutgoingTrace outgoing = Tracer::outgoing(trace, headers);
    {
      const auto scope = trace.enter("gateway.request", SpanScope::handlers, SpanKind::server);
    }
    tracer.finish(std::move(trace));
    return outgoing;
  }

  Log log{open("/dev/null", O_WRONLY | O_CLOEXEC)};
  SinkRecord sink;
  Random random{1};
  TraceSettings settings;
  Tracer tracer;
  bool recorded = false;
};

// The rows of spec/01 section 8.3.

TEST(Tracer, ContinuesASampledTrace) {
  Rig rig(TraceVariables{{"OTEL_TRACES_SAMPLER_ARG", "0"}});
  const std::string sent = text(rig.request({"00-" + kTraceId + "-" + kCaller + "-01", "", ""}));
  EXPECT_TRUE(rig.recorded);
  EXPECT_EQ(sent.substr(0, 36), "00-" + kTraceId + "-");
  EXPECT_NE(sent.substr(36, 16), kCaller);
  EXPECT_EQ(sent.substr(52), "-01");
  rig.tracer.stop(5s);
  EXPECT_EQ(rig.sink.names, (std::vector<std::string>{"gateway.request"}));
}

TEST(Tracer, PassesOnATraceThatIsNotSampledWithANewSpanId) {
  Rig rig(TraceVariables{{"OTEL_TRACES_SAMPLER_ARG", "1"}});
  const std::string sent = text(rig.request({"00-" + kTraceId + "-" + kCaller + "-00", "", ""}));
  EXPECT_FALSE(rig.recorded);
  EXPECT_EQ(sent.substr(0, 36), "00-" + kTraceId + "-");
  EXPECT_NE(sent.substr(36, 16), kCaller);
  EXPECT_EQ(sent.substr(52), "-00");
}

TEST(Tracer, RecordsAllWhenSomeMayBeKeptAfterwards) {
  Rig rig(TraceVariables{{"OTEL_TRACES_SAMPLER_ARG", "0"}});
  rig.tracer.record_all();
  for (const bool keep : {false, true}) {
    Trace trace = rig.tracer.begin({}, rig.random);
    EXPECT_TRUE(trace.recording());
    EXPECT_FALSE(trace.context().sampled()) << "what goes upstream says what was decided first";
    {
      const auto scope = trace.enter(keep ? "kept" : "forgotten", SpanScope::handlers);
    }
    rig.tracer.finish(std::move(trace), keep);
  }
  rig.tracer.stop(5s);
  EXPECT_EQ(rig.sink.names, (std::vector<std::string>{"kept"}));
}

TEST(Tracer, KeepsTheRandomFlag) {
  Rig rig;
  EXPECT_EQ(text(rig.request({"00-" + kTraceId + "-" + kCaller + "-03", "", ""})).substr(53), "03");
  EXPECT_EQ(text(rig.request({"00-" + kTraceId + "-" + kCaller + "-02", "", ""})).substr(53), "02");
}

TEST(Tracer, StartsATraceOfItsOwnWhenThereIsNone) {
  Rig rig(TraceVariables{{"OTEL_TRACES_SAMPLER_ARG", "1"}});
  const std::string first =
      text(rig.request({"ff-" + kTraceId + "-" + kCaller + "-01", "a=1", ""}));
  EXPECT_TRUE(rig.recorded);
  EXPECT_EQ(first.find(kTraceId), std::string::npos);
  EXPECT_EQ(first.substr(53), "01");
  EXPECT_NE(first, text(rig.request({})));
  Rig never(TraceVariables{{"OTEL_TRACES_SAMPLER_ARG", "0"}});
  EXPECT_EQ(text(never.request({})).substr(53), "00");
}

TEST(Tracer, PassesOnStateAndBaggage) {
  Rig rig;
  const std::string parent = "00-" + kTraceId + "-" + kCaller + "-01";
  const OutgoingTrace both = rig.request({parent, "vendor=1,other=2", "user=7"});
  EXPECT_EQ(both.tracestate, "vendor=1,other=2");
  EXPECT_EQ(both.baggage, "user=7");
  const OutgoingTrace bad = rig.request({parent, "VENDOR", "user"});
  EXPECT_EQ(bad.tracestate, "");
  EXPECT_EQ(bad.baggage, "");
  EXPECT_EQ(rig.request({"", "vendor=1", "user=7"}).tracestate, "");
}

TEST(Tracer, IsOffByDefaultAndWhenDisabled) {
  Random random(1);
  Tracer off;
  EXPECT_FALSE(off.begin({"00-" + kTraceId + "-" + kCaller + "-01", "", ""}, random).installed());
  const Rig rig(TraceVariables{{"OTEL_SDK_DISABLED", "true"}});
  EXPECT_FALSE(rig.tracer.installed());
}

TEST(Tracer, WithoutASinkPassesIdsOnAndRecordsNothing) {
  Log log(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto settings = read_trace_environment({}, {});
  Tracer tracer(*settings, nullptr, Logger(log));
  Random random(1);
  const Trace trace = tracer.begin({"00-" + kTraceId + "-" + kCaller + "-01", "", ""}, random);
  EXPECT_TRUE(trace.installed());
  EXPECT_TRUE(trace.context().sampled());
  EXPECT_FALSE(trace.recording());
}

TEST(Tracer, CountsWhatBecameOfTheSpans) {
  Rig rig(TraceVariables{{"OTEL_TRACES_SAMPLER", "always_on"}, {"OTEL_BSP_MAX_QUEUE_SIZE", "1"}});
  rig.sink.answers = {{.kind = SendOutcome::Kind::refused}};
  Metrics metrics;
  rig.tracer.add_metrics(metrics);
  rig.request({});
  ASSERT_TRUE(rig.sink.wait_for_sends(1));
  rig.tracer.stop(5s);
  rig.request({});
  const std::string page = metrics.expose();
  EXPECT_EQ(metric_value(page, "pointsman_spans_exported_total"), 0);
  EXPECT_EQ(metric_value(page, "pointsman_spans_dropped_total{reason=\"rejected\"}"), 1);
  EXPECT_EQ(metric_value(page, "pointsman_spans_dropped_total{reason=\"queue_full\"}"), 1);
  EXPECT_EQ(metric_value(page, "pointsman_traces_unrecorded_total"), 0);
}

TEST(Tracer, CountsRequestsThatFindNoBuffer) {
  Rig rig(TraceVariables{{"OTEL_TRACES_SAMPLER", "always_on"}});
  Metrics metrics;
  rig.tracer.add_metrics(metrics);
  std::vector<Trace> open;
  for (int i = 0; i < 2050; ++i) open.push_back(rig.tracer.begin({}, rig.random));
  EXPECT_TRUE(open.back().context().sampled());
  EXPECT_FALSE(open.back().recording());
  EXPECT_EQ(metric_value(metrics.expose(), "pointsman_traces_unrecorded_total"), 2);
}

TEST(Tracer, TakesNoMemoryForARequest) {
  for (const std::string kind : {"always_on", "always_off"}) {
    Rig rig(TraceVariables{{"OTEL_TRACES_SAMPLER", kind}});
    rig.request({});
    rig.tracer.stop(5s);  // the buffer is in the pool again
    const auto before = testing::allocations();
    for (int i = 0; i < 100; ++i) {
      rig.request({"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "a=1", "b=2"});
    }
    EXPECT_EQ(testing::allocations(), before) << kind;
  }
}

TEST(StartTracing, SaysWhatIsWrong) {
  Metrics metrics;
  Log log(open("/dev/null", O_WRONLY | O_CLOEXEC));
  TraceSettings settings{.exporter = TraceExporter::otlp};
  settings.otlp.ca_file = "/nowhere/ca.pem";
  settings.otlp.plaintext = false;
  const auto tracer = start_tracing(settings, metrics, Logger(log));
  ASSERT_FALSE(tracer.has_value());
  EXPECT_TRUE(tracer.error().message.starts_with("failed to init tracing: "))
      << tracer.error().message;
}

TEST(ConsoleSink, PrintsOneObjectPerSpan) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const auto settings = read_trace_environment({}, {"epp", "v1", "abc"});
  ConsoleSink sink(settings->resource, ends[1]);
  Trace trace({.trace_id = {1}, .span_id = {2}, .flags = 1}, {.trace_id = {1}, .span_id = {3}},
              std::make_unique<TraceBuffer>(), 1, "a=1");
  {
    auto scope = trace.enter("pick", SpanScope::scheduling);
    const std::array<double, 2> numbers{1.5, 2};
    scope.set("text", "a\"b");
    scope.set("n", 3);
    scope.set("yes", true);
    scope.set("numbers", std::span(numbers));
    scope.exception("Type", "message");
    scope.error("broken");
  }
  SpanBatch batch({});
  batch.add(trace.release());
  EXPECT_EQ(sink.send(batch.spans(), 1s).kind, SendOutcome::Kind::accepted);
  std::array<char, 4096> bytes{};
  const ssize_t size = read(ends[0], bytes.data(), bytes.size());
  const std::string line(bytes.data(), static_cast<std::size_t>(size));
  close(ends[0]);
  close(ends[1]);
  for (const std::string_view part :
       {R"({"Name":"pick","SpanContext":{"TraceID":"01000000000000000000000000000000","SpanID":)",
        R"("SpanID":"0200000000000000","TraceFlags":"01","TraceState":"a=1","Remote":false})",
        R"("Parent":{"TraceID":"01000000000000000000000000000000","SpanID":"0300000000000000")",
        R"("Remote":true},"SpanKind":"internal","StartTime":"20)",
        R"("Attributes":[{"Key":"text","Value":"a\"b"},{"Key":"n","Value":3},)",
        R"({"Key":"yes","Value":true},{"Key":"numbers","Value":[1.5,2]}])",
        R"("Value":"Type"},{"Key":"exception.message","Value":"message"}]}])",
        R"("Status":{"Code":"Error","Description":"broken"})",
        R"("Resource":[{"Key":"service.name","Value":"epp"},{"Key":"service.version")",
        R"("InstrumentationScope":{"Name":"llm-d-router/pkg/epp/scheduling","Version":"v1")"}) {
    EXPECT_NE(line.find(part), std::string::npos) << part << "\n" << line;
  }
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(ConsoleSink, IsNotHeldByAReaderThatDoesNotRead) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  ConsoleSink sink({}, ends[1]);
  SpanBatch batch({});
  for (int i = 0; i < 300; ++i) {
    Trace trace({.trace_id = {1}, .span_id = {2}, .flags = 1}, {}, std::make_unique<TraceBuffer>(),
                1);
    {
      const auto scope = trace.enter("t", SpanScope::handlers);
    }
    batch.add(trace.release());
  }
  EXPECT_EQ(sink.send(batch.spans(), 20ms).kind, SendOutcome::Kind::refused);
  sink.cancel();
  EXPECT_EQ(sink.send(batch.spans(), 1h).kind, SendOutcome::Kind::refused);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace pointsman
