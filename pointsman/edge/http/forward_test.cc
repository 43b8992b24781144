#include "pointsman/edge/http/forward.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/candidates.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

struct TestSession final : Session {
  void decided(const Result<void>& /*outcome*/) override {}
};

RequestHead client_head() {
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/completions?x=1";
  head.fields.add("Host", "router.example");
  head.fields.add("Content-Length", "3");
  head.fields.add("Connection", "keep-alive, X-Private");
  head.fields.add("X-Private", "1");
  head.fields.add("Authorization", "Bearer key");
  head.fields.add("X-Prefiller-Host-Port", "10.0.0.9:1");
  head.fields.add("x-gateway-destination-endpoint", "10.0.0.9:1");
  head.fields.add("x-gateway-destination-endpoint-scores", "a=1");
  head.fields.add("X-Pointsman-Decision", "0123456789abcdef");
  return head;
}

TEST(Forward, GivesTheEngineLowerCaseNamesAndThePath) {
  Arena arena;
  const RequestHead head = client_head();
  const auto headers = engine_headers(head, arena);
  EXPECT_EQ(headers[0].name, ":path");
  EXPECT_EQ(headers[0].value, "/v1/completions?x=1");
  EXPECT_EQ(headers[1].name, "host");
  EXPECT_EQ(headers[5].name, "authorization");
}

TEST(Forward, RemovesWhatTheClientMustNotSendOn) {
  TestSession session;
  session.request.id = "req-1";
  RequestHead out;
  make_upstream_head(client_head(), session, *Address::parse("10.1.1.1:5"), {}, {}, out);
  for (const auto* gone :
       {"Host", "Content-Length", "Connection", "X-Private", "x-prefiller-host-port",
        "x-gateway-destination-endpoint", "x-gateway-destination-endpoint-scores",
        "x-pointsman-decision", "traceparent"}) {
    EXPECT_FALSE(out.fields.contains(gone)) << gone;
  }
  EXPECT_EQ(out.fields.find("authorization"), "Bearer key");
  EXPECT_EQ(out.fields.find("x-request-id"), "req-1");
  EXPECT_EQ(out.fields.find("x-forwarded-for"), "10.1.1.1");
  EXPECT_EQ(out.fields.find("x-forwarded-host"), "router.example");
  EXPECT_EQ(out.fields.find("x-forwarded-proto"), "http");
}

TEST(Forward, AppendsToWhatAProxyBeforeHasSaid) {
  const TestSession session;
  RequestHead head = client_head();
  head.fields.add("X-Forwarded-For", "192.0.2.1");
  head.fields.add("X-Forwarded-Proto", "https");
  RequestHead out;
  make_upstream_head(head, session, *Address::parse("10.1.1.1:5"), {}, {}, out);
  EXPECT_EQ(out.fields.find("x-forwarded-for"), "192.0.2.1, 10.1.1.1");
  EXPECT_EQ(out.fields.find("x-forwarded-proto"), "https");
}

TEST(Forward, KeepsEveryLineOfTheProxiesBefore) {
  const TestSession session;
  RequestHead head = client_head();
  head.fields.add("X-Forwarded-For", "192.0.2.1, 192.0.2.2");
  head.fields.add("x-forwarded-for", "");
  head.fields.add("x-forwarded-for", "192.0.2.3");
  RequestHead out;
  make_upstream_head(head, session, *Address::parse("10.1.1.1:5"), {}, {}, out);
  EXPECT_EQ(out.fields.find("x-forwarded-for"), "192.0.2.1, 192.0.2.2, 192.0.2.3, 10.1.1.1");
  EXPECT_EQ(out.fields.remove("x-forwarded-for"), 1U);
}

TEST(Forward, SetsTheModelServersKeyInPlaceOfTheClients) {
  const TestSession session;
  RequestHead out;
  make_upstream_head(client_head(), session, *Address::parse("10.1.1.1:5"), {}, {.key = "secret"},
                     out);
  EXPECT_EQ(out.fields.find("authorization"), "Bearer secret");
}

TEST(Forward, LetsAnUpgradePass) {
  const TestSession session;
  RequestHead head = client_head();
  EXPECT_FALSE(asks_upgrade(head));
  head.fields.set("Connection", "keep-alive, Upgrade");
  head.fields.add("Upgrade", "websocket");
  EXPECT_TRUE(asks_upgrade(head));
  RequestHead out;
  make_upstream_head(head, session, *Address::parse("10.1.1.1:5"), {}, {.upgrade = true}, out);
  EXPECT_EQ(out.fields.find("upgrade"), "websocket");
  EXPECT_EQ(out.fields.find("connection"), "Upgrade");
}

TEST(Forward, LetsNoOtherVersionOfHttpBegin) {
  const TestSession session;
  for (const auto* protocol :
       {"h2c", "H2C", "websocket, h2c", "h2", "HTTP/2.0", "TLS/1.2", "", ","}) {
    RequestHead head;
    head.fields.add("Host", "x");
    head.fields.add("Connection", "Upgrade");
    head.fields.add("Upgrade", protocol);
    head.fields.add("HTTP2-Settings", "AAMAAABkAAQAAP__");
    EXPECT_FALSE(asks_upgrade(head)) << protocol;
    head.fields.add("Upgrade", "websocket");
    EXPECT_EQ(asks_upgrade(head),
              protocol == std::string_view() || protocol == std::string_view(","))
        << protocol;
    RequestHead out;
    make_upstream_head(head, session, *Address::parse("10.1.1.1:5"), {}, {}, out);
    EXPECT_FALSE(out.fields.contains("upgrade"));
    EXPECT_FALSE(out.fields.contains("connection"));
    EXPECT_FALSE(out.fields.contains("http2-settings"));
  }
}

TEST(Forward, ContinuesTheTraceInPlaceOfTheClients) {
  TestSession session;
  SpanContext context{.flags = 1};
  context.trace_id.fill(0xAB);
  context.span_id.fill(0xCD);
  session.trace = Trace(context);
  RequestHead head = client_head();
  head.fields.add("traceparent", "00-00000000000000000000000000000001-0000000000000001-01");
  RequestHead out;
  make_upstream_head(head, session, *Address::parse("10.1.1.1:5"), {}, {}, out);
  EXPECT_EQ(out.fields.find("traceparent"),
            "00-abababababababababababababababab-cdcdcdcdcdcdcdcd-01");
}

TEST(Forward, TellsTheClientWhichDecisionItWas) {
  ResponseHead upstream;
  upstream.fields.add("Transfer-Encoding", "chunked");
  upstream.fields.add("content-type", "text/event-stream");
  Arena arena;
  HeaderEdits edits;
  edits.reset(arena);
  edits.set("x-session-token", "dG9rZW4=");
  ResponseHead out;
  make_client_head(upstream, "0123456789abcdef", edits, out);
  EXPECT_FALSE(out.fields.contains("transfer-encoding"));
  EXPECT_EQ(out.fields.find("x-pointsman-decision"), "0123456789abcdef");
  make_client_head(upstream, "", edits, out);
  EXPECT_FALSE(out.fields.contains("x-pointsman-decision"));
}

TEST(Forward, WritesErrorsAsOpenAiClientsReadThem) {
  EXPECT_EQ(error_body({Code::bad_request, "say \"hi\""}),
            "{\"error\":{\"message\":\"say \\\"hi\\\"\",\"type\":\"invalid_request_error\","
            "\"param\":null,\"code\":\"BadRequest\"}}\n");
  EXPECT_NE(error_body({Code::precondition_failed, "x"}).find("invalid_request_error"),
            std::string::npos);
  EXPECT_EQ(error_body({Code::not_found, "The model `x` does not exist", kModelNotFound}),
            "{\"error\":{\"message\":\"The model `x` does not exist\",\"type\":"
            "\"invalid_request_error\",\"param\":\"model\",\"code\":\"model_not_found\"}}\n");
  EXPECT_EQ(refusal_body(413, "the body is too large"),
            "{\"error\":{\"message\":\"the body is too large\",\"type\":\"invalid_request_error\","
            "\"param\":null,\"code\":\"RequestTooLarge\"}}\n");
  EXPECT_NE(error_body({Code::unavailable, "x", "rejected-no-endpoints"})
                .find("\"code\":\"rejected-no-endpoints\""),
            std::string::npos);
}

TEST(Forward, TriesPicksFirstThenTheBestOfTheRest) {
  Decision decision;
  decision.fleet = std::make_shared<const Fleet>(
      testing::fleet_of({{.name = "a"}, {.name = "b"}, {.name = "c"}}));
  decision.candidates = {0, 1, 2};
  decision.totals = {0.5, 3.0, 1.0};
  decision.picks = {1};
  decision.runs = {{.candidates = 3, .picks = 1}};
  decision.primary = 0;
  const std::vector<EndpointIndex> order{1, 2, 0};
  std::vector<EndpointIndex> tried;
  for (const EndpointIndex wanted : order) {
    const auto next = next_endpoint(decision, tried);
    ASSERT_EQ(next, wanted);
    tried.push_back(*next);
  }
  EXPECT_EQ(next_endpoint(decision, tried), std::nullopt);
}

}  // namespace
}  // namespace pointsman
