#include <array>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/otlp/testing/collector.h"
#include "pointsman/telemetry/otlp_module.h"
#include "pointsman/telemetry/span_exporter.h"
#include "pointsman/telemetry/testing/traces.h"

// The module as it is shipped, loaded as the router loads it, against collectors made of the
// official definitions.
namespace pointsman {
namespace {

using namespace std::chrono_literals;
using Kind = SendOutcome::Kind;

const TraceResource kResource{
    .attributes = {{"service.name", "epp"}, {"service.version", ""}, {"k8s.pod.name", "p"}},
    .scope_version = "v1",
    .scope_commit = "abc"};
const SpanContext kRoot{.trace_id = {0x0a, 0xf7}, .span_id = {0x11}, .flags = 3};
const SpanContext kCaller{.trace_id = {0x0a, 0xf7}, .span_id = {0x22}, .flags = 3};

std::unique_ptr<TraceBuffer> rich_trace() {
  Trace trace(kRoot, kCaller, std::make_unique<TraceBuffer>(), 1, "vendor=1");
  {
    auto root = trace.enter("gateway.request", SpanScope::handlers, SpanKind::server);
    root.exception("my.Error", "it broke");
    root.error("it broke badly");
    auto pick = trace.enter("pick_endpoints", SpanScope::scheduling);
    const std::array<std::string_view, 2> names{"/a", "/b"};
    const std::array<double, 2> scores{2.2, 1};
    pick.set("text", "value");
    pick.set("int", 3);
    pick.set("double", 2.0);
    pick.set("bool", true);
    pick.set("texts", std::span(names));
    pick.set("doubles", std::span(scores));
  }
  return trace.release();
}

OtlpSettings grpc_to(const GrpcCollector& collector) {
  return {.protocol = OtlpProtocol::grpc,
          .target = "localhost:" + std::to_string(collector.port())};
}
OtlpSettings http_to(const HttpCollector& collector) {
  return {.protocol = OtlpProtocol::http, .target = collector.url()};
}

std::unique_ptr<SpanSink> open(const OtlpSettings& settings) {
  auto sink = open_otlp(settings, kResource);
  EXPECT_TRUE(sink.has_value()) << sink.error().message;
  return *std::move(sink);
}

SendOutcome send(SpanSink& sink, std::chrono::milliseconds limit = 10s) {
  SpanBatch batch({});
  batch.add(rich_trace());
  return sink.send(batch.spans(), limit);
}

std::map<std::string, std::string> texts(const auto& attributes) {
  std::map<std::string, std::string> all;
  for (const auto& attribute : attributes) all[attribute.key()] = attribute.value().string_value();
  return all;
}

// What the wire must say about rich_trace(), whatever the protocol.
void expect_rich_trace(const otlp_proto::ExportTraceServiceRequest& request) {
  ASSERT_EQ(request.resource_spans_size(), 1);
  const auto& resource = request.resource_spans(0);
  EXPECT_EQ(resource.schema_url(), "https://opentelemetry.io/schemas/1.37.0");
  EXPECT_EQ(texts(resource.resource().attributes()), kResource.attributes);

  std::map<std::string, opentelemetry::proto::trace::v1::Span> spans;
  for (const auto& scope : resource.scope_spans()) {
    EXPECT_EQ(scope.scope().version(), "v1");
    EXPECT_EQ(texts(scope.scope().attributes()),
              (std::map<std::string, std::string>{{"commit-sha", "abc"}}));
    for (const auto& span : scope.spans()) spans[scope.scope().name() + " " + span.name()] = span;
  }
  ASSERT_EQ(spans.size(), 2U);
  const auto& root = spans["llm-d-router/pkg/epp/handlers gateway.request"];
  const auto& pick = spans["llm-d-router/pkg/epp/scheduling pick_endpoints"];

  EXPECT_EQ(root.trace_id(), std::string("\x0a\xf7") + std::string(14, '\0'));
  EXPECT_EQ(root.span_id(), std::string("\x11") + std::string(7, '\0'));
  EXPECT_EQ(root.parent_span_id(), std::string("\x22") + std::string(7, '\0'));
  EXPECT_EQ(root.flags(), 0x303U);
  EXPECT_EQ(root.kind(), 2);
  EXPECT_EQ(root.trace_state(), "vendor=1");
  EXPECT_EQ(root.status().code(), 2);
  EXPECT_EQ(root.status().message(), "it broke badly");
  ASSERT_EQ(root.events_size(), 1);
  EXPECT_EQ(root.events(0).name(), "exception");
  EXPECT_GE(root.events(0).time_unix_nano(), root.start_time_unix_nano());
  EXPECT_EQ(texts(root.events(0).attributes()),
            (std::map<std::string, std::string>{{"exception.type", "my.Error"},
                                                {"exception.message", "it broke"}}));

  EXPECT_EQ(pick.flags(), 0x103U);
  EXPECT_EQ(pick.kind(), 1);
  EXPECT_EQ(pick.parent_span_id(), root.span_id());
  EXPECT_EQ(pick.status().code(), 0);
  EXPECT_LE(root.start_time_unix_nano(), pick.start_time_unix_nano());
  EXPECT_LE(pick.end_time_unix_nano(), root.end_time_unix_nano());
  ASSERT_EQ(pick.attributes_size(), 6);
  EXPECT_EQ(pick.attributes(0).value().string_value(), "value");
  EXPECT_EQ(pick.attributes(1).value().int_value(), 3);
  EXPECT_TRUE(pick.attributes(2).value().has_double_value());
  EXPECT_EQ(pick.attributes(2).value().double_value(), 2.0);
  EXPECT_TRUE(pick.attributes(3).value().bool_value());
  EXPECT_EQ(pick.attributes(4).value().array_value().values(1).string_value(), "/b");
  EXPECT_EQ(pick.attributes(5).value().array_value().values(0).double_value(), 2.2);
}

TEST(OtlpGrpc, SaysWhatTheTraceSays) {
  GrpcCollector collector;
  const auto sink = open(grpc_to(collector));
  EXPECT_EQ(send(*sink).kind, Kind::accepted);
  ASSERT_EQ(collector.received.requests.size(), 1U);
  expect_rich_trace(collector.received.requests[0]);
}

TEST(OtlpHttp, SaysWhatTheTraceSays) {
  HttpCollector collector;
  const auto sink = open(http_to(collector));
  EXPECT_EQ(send(*sink).kind, Kind::accepted);
  EXPECT_EQ(send(*sink).kind, Kind::accepted);
  ASSERT_EQ(collector.received.requests.size(), 2U);
  expect_rich_trace(collector.received.requests[0]);
  expect_rich_trace(collector.received.requests[1]);
  EXPECT_EQ(collector.received.headers[0][":request"], "POST /v1/traces HTTP/1.1");
  EXPECT_EQ(collector.received.headers[0]["content-type"], "application/x-protobuf");
}

TEST(OtlpGrpc, SendsHeadersAndCompresses) {
  GrpcCollector collector;
  OtlpSettings settings = grpc_to(collector);
  settings.headers = {{"authorization", "Bearer test-token"}, {"x-tenant", "llm-d"}};
  settings.gzip = true;
  const auto sink = open(settings);
  EXPECT_EQ(send(*sink).kind, Kind::accepted);
  expect_rich_trace(collector.received.requests[0]);
  EXPECT_EQ(collector.received.headers[0]["authorization"], "Bearer test-token");
  EXPECT_EQ(collector.received.headers[0]["x-tenant"], "llm-d");
  EXPECT_TRUE(collector.received.headers[0]["user-agent"].starts_with("pointsman "));
}

TEST(OtlpHttp, SendsHeadersAndCompresses) {
  HttpCollector collector;
  OtlpSettings settings = http_to(collector);
  settings.headers = {{"authorization", "Bearer test-token"}, {"x-tenant", "llm-d"}};
  settings.gzip = true;
  const auto sink = open(settings);
  EXPECT_EQ(send(*sink).kind, Kind::accepted);
  expect_rich_trace(collector.received.requests[0]);
  EXPECT_EQ(collector.received.headers[0]["authorization"], "Bearer test-token");
  EXPECT_EQ(collector.received.headers[0]["x-tenant"], "llm-d");
  EXPECT_EQ(collector.received.headers[0]["content-encoding"], "gzip");
}

// A google.rpc.Status with a google.rpc.RetryInfo of 2 s and 500,000,000 ns, byte by byte.
std::string retry_info_details() {
  const std::string delay("\x08\x02\x10\x80\xca\xb5\xee\x01", 8);
  const std::string info = "\x0a" + std::string(1, static_cast<char>(delay.size())) + delay;
  const std::string url = "type.googleapis.com/google.rpc.RetryInfo";
  const std::string any = "\x0a" + std::string(1, static_cast<char>(url.size())) + url + "\x12" +
                          std::string(1, static_cast<char>(info.size())) + info;
  return "\x08\x08\x1a" + std::string(1, static_cast<char>(any.size())) + any;
}

TEST(OtlpGrpc, TriesAgainWhatTheProtocolCallsRetryable) {
  GrpcCollector collector;
  const auto sink = open(grpc_to(collector));
  const auto kind = [&](grpc::StatusCode code, const std::string& details = "") {
    collector.answer(grpc::Status(code, "because", details));
    const SendOutcome outcome = send(*sink);
    EXPECT_EQ(outcome.detail, "because");
    return outcome.kind;
  };
  for (const auto code : {grpc::CANCELLED, grpc::DEADLINE_EXCEEDED, grpc::ABORTED,
                          grpc::OUT_OF_RANGE, grpc::UNAVAILABLE, grpc::DATA_LOSS}) {
    EXPECT_EQ(kind(code), Kind::retry) << code;
  }
  for (const auto code : {grpc::INVALID_ARGUMENT, grpc::UNAUTHENTICATED, grpc::PERMISSION_DENIED,
                          grpc::UNIMPLEMENTED, grpc::INTERNAL, grpc::RESOURCE_EXHAUSTED}) {
    EXPECT_EQ(kind(code), Kind::refused) << code;
  }
  EXPECT_EQ(kind(grpc::RESOURCE_EXHAUSTED, retry_info_details()), Kind::retry);
  EXPECT_EQ(send(*sink).retry_after, 2500ms);
}

TEST(OtlpHttp, TriesAgainWhatTheProtocolCallsRetryable) {
  HttpCollector collector;
  const auto sink = open(http_to(collector));
  const auto kind = [&](const std::string& status) {
    collector.status = status;
    return send(*sink).kind;
  };
  for (const std::string status : {"429 X", "502 X", "503 X", "504 X"}) {
    EXPECT_EQ(kind(status), Kind::retry) << status;
  }
  for (const std::string status : {"400 X", "401 X", "404 X", "500 X"}) {
    EXPECT_EQ(kind(status), Kind::refused) << status;
  }
  collector.more_headers = "Retry-After: 7\r\n";
  collector.status = "503 X";
  EXPECT_EQ(send(*sink).retry_after, 7s);
}

TEST(OtlpGrpc, TellsHowManySpansWereRejected) {
  GrpcCollector collector;
  collector.reject(1);
  EXPECT_EQ(send(*open(grpc_to(collector))).rejected, 1U);
}

TEST(OtlpHttp, TellsHowManySpansWereRejected) {
  HttpCollector collector;
  collector.rejected = 1;
  EXPECT_EQ(send(*open(http_to(collector))).rejected, 1U);
}

TEST(OtlpGrpc, ADeadCollectorIsTriedAgainLater) {
  const auto sink = open({.protocol = OtlpProtocol::grpc, .target = "localhost:1"});
  EXPECT_EQ(send(*sink).kind, Kind::retry);
}

TEST(OtlpHttp, ADeadCollectorIsTriedAgainLater) {
  const auto sink =
      open({.protocol = OtlpProtocol::http, .target = "http://127.0.0.1:1/v1/traces"});
  EXPECT_EQ(send(*sink).kind, Kind::retry);
}

// send() ends at its limit, at the configured timeout, and when it is cancelled.
void expect_bounded(OtlpSettings settings, Received& received) {
  received.hold = true;
  settings.timeout = 50ms;
  EXPECT_EQ(send(*open(settings)).kind, Kind::retry);
  settings.timeout = 1h;
  EXPECT_EQ(send(*open(settings), 50ms).kind, Kind::retry);
  const auto sink = open(settings);
  const std::size_t before = received.count();  // on a slow machine those above never arrive
  const std::jthread canceller([&] {
    EXPECT_TRUE(received.wait_for(before + 1));
    sink->cancel();
  });
  EXPECT_EQ(send(*sink, 1h).kind, Kind::retry);
  EXPECT_EQ(send(*sink, 1h).kind, Kind::retry);  // and every later one
}

TEST(OtlpGrpc, IsNotHeldByASlowCollector) {
  GrpcCollector collector;
  expect_bounded(grpc_to(collector), collector.received);
}

TEST(OtlpHttp, IsNotHeldByASlowCollector) {
  HttpCollector collector;
  // It serves one connection after the other, so every exchange must reach it before the next.
  collector.received.hold = true;
  OtlpSettings settings = http_to(collector);
  settings.timeout = 1h;
  const auto sink = open(settings);
  EXPECT_EQ(send(*sink, 50ms).kind, Kind::retry);
  const std::jthread canceller([&] {
    EXPECT_TRUE(collector.received.wait_for(1));
    sink->cancel();
  });
  EXPECT_EQ(send(*sink, 1h).kind, Kind::retry);
}

TEST(OtlpModule, RefusesAFileItCannotRead) {
  for (const OtlpProtocol protocol : {OtlpProtocol::grpc, OtlpProtocol::http}) {
    OtlpSettings settings{
        .protocol = protocol, .target = "https://localhost:1", .plaintext = false};
    settings.ca_file = "/nowhere/ca.pem";
    const auto sink = open_otlp(settings, kResource);
    ASSERT_FALSE(sink.has_value());
    EXPECT_EQ(sink.error().message, "cannot read PEM file /nowhere/ca.pem");
  }
}

// A directory with a self-signed certificate for localhost, and its key.
class Certificate {
 public:
  Certificate() {
    std::string name = (std::filesystem::temp_directory_path() / "otlp-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    const std::string command = "cd " + directory_.string() +
                                " && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "
                                "/CN=localhost -addext subjectAltName=DNS:localhost "
                                "-keyout key.pem -out cert.pem >/dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate() { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name) const { return directory_ / name; }
  std::string text(const std::string& name) const {
    std::ifstream in(file(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path directory_;
};

TEST(OtlpGrpc, NeverFallsBackToPlaintext) {
  const GrpcCollector collector;
  OtlpSettings settings = grpc_to(collector);
  settings.plaintext = false;
  settings.timeout = 2s;
  EXPECT_EQ(send(*open(settings)).kind, Kind::retry);
  EXPECT_TRUE(collector.received.requests.empty());
}

TEST(OtlpHttp, NeverFallsBackToPlaintext) {
  const HttpCollector collector;
  OtlpSettings settings = http_to(collector);
  settings.target.replace(0, 4, "https");
  settings.timeout = 2s;
  EXPECT_EQ(send(*open(settings)).kind, Kind::retry);
  EXPECT_TRUE(collector.received.requests.empty());
}

TEST(OtlpGrpc, TrustsTheGivenCertificateAndShowsItsOwn) {
  const Certificate certificate;
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = certificate.text("cert.pem");
  options.pem_key_cert_pairs.push_back({certificate.text("key.pem"), certificate.text("cert.pem")});
  const GrpcCollector collector(grpc::SslServerCredentials(options));
  OtlpSettings settings = grpc_to(collector);
  settings.plaintext = false;
  settings.timeout = 2s;
  EXPECT_EQ(send(*open(settings)).kind, Kind::retry);  // not trusted
  settings.ca_file = certificate.file("cert.pem");
  EXPECT_EQ(send(*open(settings)).kind, Kind::retry);  // not known to the collector
  EXPECT_TRUE(collector.received.requests.empty());
  settings.client_certificate_file = certificate.file("cert.pem");
  settings.client_key_file = certificate.file("key.pem");
  settings.timeout = 10s;
  EXPECT_EQ(send(*open(settings)).kind, Kind::accepted);
}

// The exporter with the real sink below it: nothing waits for a collector that does not answer.
TEST(OtlpGrpc, TheExporterDropsAndCountsWhenTheCollectorHangs) {
  GrpcCollector collector;
  collector.received.hold = true;
  TracePool pool;
  Log log(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  SpanExporter exporter({.schedule_delay = 1ms, .max_queue_size = 64, .max_export_batch_size = 16},
                        {}, open(grpc_to(collector)), pool, Logger(log));
  exporter.start();
  exporter.offer(finished_trace("first"));
  ASSERT_TRUE(collector.received.wait_for(1));
  for (int i = 0; i < 500; ++i) exporter.offer(finished_trace("t"));
  EXPECT_EQ(exporter.counts().queue_full, 500U - 64);
  const auto began = Clock::now();
  exporter.stop(100ms);
  EXPECT_LT(Clock::now() - began, 5s);
  EXPECT_EQ(exporter.counts().given_up, 65U);
}

}  // namespace
}  // namespace pointsman
