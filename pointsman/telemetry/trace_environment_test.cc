#include "pointsman/telemetry/trace_environment.h"

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using namespace std::chrono_literals;

TraceSettings read(const TraceVariables& environment) {
  auto settings = read_trace_environment(environment, {"llm-d-epp", "v1.2", "abc"});
  EXPECT_TRUE(settings.has_value());
  return settings.value_or(TraceSettings());
}

OtlpSettings otlp(TraceVariables environment) {
  environment.emplace("OTEL_TRACES_EXPORTER", "otlp");
  return read(environment).otlp;
}

std::string error(TraceVariables environment) {
  environment.emplace("OTEL_TRACES_EXPORTER", "otlp");
  const auto settings = read_trace_environment(environment, {});
  return settings ? "" : settings.error().message;
}

TEST(TraceEnvironment, ExportsNothingUnlessTold) {
  const TraceSettings unset = read({});
  EXPECT_TRUE(unset.enabled);
  EXPECT_EQ(unset.exporter, TraceExporter::none);
  ASSERT_EQ(unset.notices.size(), 1U);
  EXPECT_FALSE(unset.notices[0].error);
  EXPECT_NE(unset.notices[0].message.find("OTEL_TRACES_EXPORTER"), std::string::npos);
  EXPECT_EQ(read({{"OTEL_TRACES_EXPORTER", ""}}).notices.size(), 1U);

  EXPECT_TRUE(read({{"OTEL_TRACES_EXPORTER", "none"}}).notices.empty());
  EXPECT_EQ(read({{"OTEL_TRACES_EXPORTER", "console"}}).exporter, TraceExporter::console);
  EXPECT_EQ(read({{"OTEL_TRACES_EXPORTER", "otlp"}}).exporter, TraceExporter::otlp);
  const TraceSettings unknown = read({{"OTEL_TRACES_EXPORTER", "zipkin"}});
  EXPECT_EQ(unknown.exporter, TraceExporter::none);
  ASSERT_EQ(unknown.notices.size(), 1U);
  EXPECT_TRUE(unknown.notices[0].error);
}

TEST(TraceEnvironment, CanBeDisabled) {
  EXPECT_FALSE(read({{"OTEL_SDK_DISABLED", "TRUE"}}).enabled);
  EXPECT_TRUE(read({{"OTEL_SDK_DISABLED", "1"}}).enabled);
}

// The share of all traces that a sampler records, told by probes of the id's range; -1 when it
// does not follow its parent.
double share(const std::string& kind, const std::string& argument) {
  const TraceSettings settings =
      read({{"OTEL_TRACES_SAMPLER", kind}, {"OTEL_TRACES_SAMPLER_ARG", argument}});
  std::array<std::uint8_t, 16> id{1};
  int recorded = 0;
  for (int i = 0; i < 100; ++i) {
    id[8] = static_cast<std::uint8_t>((i * 256 + 128) / 100);
    recorded += settings.sampler.samples({}, id) ? 1 : 0;
  }
  const SpanContext parent{.trace_id = {1}, .span_id = {1}, .flags = 1};
  const bool follows = settings.sampler.samples(parent, id) &&
                       !settings.sampler.samples({.trace_id = {1}, .span_id = {1}, .flags = 0}, id);
  return follows ? recorded / 100.0 : -recorded / 100.0 - 1;
}

TEST(TraceEnvironment, ChoosesTheSampler) {
  EXPECT_NEAR(share("", ""), 0.1, 0.011);
  EXPECT_NEAR(share("parentbased_traceidratio", "0.5"), 0.5, 0.011);
  EXPECT_NEAR(share("", "5e-1"), 0.5, 0.011);
  EXPECT_EQ(share("", "7"), 1);
  EXPECT_EQ(share("", "-1"), 0);
  EXPECT_NEAR(share("", "half"), 0.1, 0.011);
  EXPECT_NEAR(share("", "nan"), 0.1, 0.011);
  EXPECT_NEAR(share("traceidratio", "0.5"), -1.5, 0.011);
  EXPECT_EQ(share("parentbased_always_on", ""), 1);
  EXPECT_EQ(share("parentbased_always_off", "1"), 0);
  EXPECT_EQ(share("always_on", ""), -2);
  EXPECT_EQ(share("always_off", ""), -1);
  EXPECT_NEAR(share("jaeger_remote", "1"), 0.1, 0.011);
  const auto notices =
      read({{"OTEL_TRACES_EXPORTER", "none"}, {"OTEL_TRACES_SAMPLER", "x"}}).notices;
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].message,
            "unsupported sampler type: x, fallback to parentbased_traceidratio with 0.1 Ratio");
}

TEST(TraceEnvironment, BuildsTheResource) {
  const auto resource = [](TraceVariables environment) {
    environment.emplace("OTEL_TRACES_EXPORTER", "none");
    return read(environment).resource.attributes;
  };
  using Attributes = std::map<std::string, std::string>;
  EXPECT_EQ(resource({}), (Attributes{{"service.name", "llm-d-epp"}, {"service.version", "v1.2"}}));
  EXPECT_EQ(resource({{"OTEL_SERVICE_NAME", "mine"}})["service.name"], "mine");
  EXPECT_EQ(
      resource({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a, k8s.pod.name = p%201"}}),
      (Attributes{{"k8s.pod.name", "p 1"}, {"service.name", "a"}, {"service.version", "v1.2"}}));
  EXPECT_EQ(resource({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a"},
                      {"OTEL_SERVICE_NAME", "b"}})["service.name"],
            "b");
}

TEST(TraceEnvironment, ReportsMalformedResourceAttributesAndKeepsTheOthers) {
  const TraceSettings settings =
      read({{"OTEL_TRACES_EXPORTER", "none"}, {"OTEL_RESOURCE_ATTRIBUTES", "a=1,broken,=2,b=%zz"}});
  ASSERT_EQ(settings.notices.size(), 3U);
  for (const TraceNotice& notice : settings.notices) {
    EXPECT_EQ(notice.message, "build trace resource degraded");
  }
  EXPECT_EQ(settings.resource.attributes.at("a"), "1");
  EXPECT_EQ(settings.resource.attributes.at("b"), "%zz");
}

TEST(TraceEnvironment, PlacesTheGrpcCollector) {
  const auto place = [](const TraceVariables& environment) {
    const OtlpSettings settings = otlp(environment);
    return settings.target + (settings.plaintext ? " plain" : " tls");
  };
  EXPECT_EQ(place({}), "localhost:4317 plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}}), "localhost:4317 plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"}}), "localhost:4317 tls");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_INSECURE", "false"}}), "localhost:4317 tls");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_INSECURE", "True"}}), "localhost:4317 plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/x"}}), "c:1 plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:1"}}), "c:1 tls");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "c:1"}}), "c:1 tls");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}}), "c:4317 plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]"}}), "[::1]:4317 plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///run/c"}}), "unix:/run/c plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:1"},
                   {"OTEL_EXPORTER_OTLP_INSECURE", "true"}}),
            "c:1 plain");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1"},
                   {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2"}}),
            "t:2 plain");
  EXPECT_EQ(error({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://"}}),
            "OTLP endpoint \"http://\" names no host");
}

TEST(TraceEnvironment, PlacesTheHttpCollector) {
  const auto place = [](TraceVariables environment) {
    environment.emplace("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    return otlp(environment).target;
  };
  EXPECT_EQ(place({}), "http://localhost:4318/v1/traces");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:1"}}), "https://c:1/v1/traces");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/x/"}}), "http://c:1/x/v1/traces");
  EXPECT_EQ(place({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:1/x"}}), "http://c:1/x");
  EXPECT_FALSE(error({{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"},
                      {"OTEL_EXPORTER_OTLP_ENDPOINT", "c:1"}})
                   .empty());
}

TEST(TraceEnvironment, ReadsTheRestOfTheTransport) {
  const OtlpSettings settings =
      otlp({{"OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20test-token,x-tenant=llm-d"},
            {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
            {"OTEL_EXPORTER_OTLP_TIMEOUT", "250"},
            {"OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"},
            {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "own.pem"},
            {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "c.pem"},
            {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "k.pem"}});
  using Headers = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(settings.headers,
            (Headers{{"authorization", "Bearer test-token"}, {"x-tenant", "llm-d"}}));
  EXPECT_TRUE(settings.gzip);
  EXPECT_EQ(settings.timeout, 250ms);
  EXPECT_EQ(settings.ca_file, "own.pem");
  EXPECT_EQ(settings.client_certificate_file, "c.pem");
  EXPECT_EQ(settings.client_key_file, "k.pem");
  EXPECT_EQ(otlp({{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"},
                  {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}})
                .protocol,
            OtlpProtocol::http);
  EXPECT_EQ(error({{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}}),
            "unsupported OTLP protocol \"http/json\": grpc or http/protobuf");
}

TEST(TraceEnvironment, LeavesOutHeadersThatCannotBeSent) {
  const TraceSettings settings =
      read({{"OTEL_TRACES_EXPORTER", "otlp"},
            {"OTEL_EXPORTER_OTLP_HEADERS", "a b=1,x-bin=1,y=%0d%0az: 1,good=%20ok,:path=/"}});
  ASSERT_EQ(settings.otlp.headers.size(), 1U);
  EXPECT_EQ(settings.otlp.headers[0].first, "good");
  EXPECT_EQ(settings.notices.size(), 4U);
}

TEST(TraceEnvironment, NeverRepeatsAHeaderValue) {
  const TraceSettings settings = read(
      {{"OTEL_TRACES_EXPORTER", "otlp"}, {"OTEL_EXPORTER_OTLP_HEADERS", "key=secret%zz,secret"}});
  ASSERT_EQ(settings.notices.size(), 2U);
  EXPECT_EQ(settings.notices[0].fields[1].second, "key");
  EXPECT_EQ(settings.notices[1].fields[1].second, "not key=value");
}

TEST(TraceEnvironment, ReadsBoundsAndIgnoresNonsense) {
  const TraceSettings settings = read({{"OTEL_TRACES_EXPORTER", "none"},
                                       {"OTEL_BSP_SCHEDULE_DELAY", "50"},
                                       {"OTEL_BSP_MAX_QUEUE_SIZE", "64"},
                                       {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "x"},
                                       {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10"},
                                       {"OTEL_ATTRIBUTE_COUNT_LIMIT", "5"},
                                       {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "4"}});
  EXPECT_EQ(settings.batch.schedule_delay, 50ms);
  EXPECT_EQ(settings.batch.max_queue_size, 64U);
  EXPECT_EQ(settings.batch.max_export_batch_size, 64U);
  EXPECT_EQ(settings.limits.text, 10U);
  EXPECT_EQ(settings.limits.attributes, 4U);
  EXPECT_EQ(settings.notices.size(), 1U);
}

}  // namespace
}  // namespace pointsman
