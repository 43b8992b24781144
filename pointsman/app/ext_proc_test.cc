// One HTTP transaction after the other between a proxy and the endpoint picker, with real plugins
// and without sockets: spec/03 sections 3, 5 and the rows of section 17 that concern what exists.
#include "pointsman/edge/ext_proc/ext_proc.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/testing/ext_proc_rig.h"

namespace pointsman {
namespace {

using testing::Fields;
using testing::Rig;
using testing::set;
using testing::streamed;
using testing::subset;
using testing::three;
using testing::Transaction;
namespace wire = testing::wire;

const std::string kBody = R"({"max_tokens":100,"model":"m","prompt":"test1","temperature":0})";

TEST(ExtProc, RoutesARequestByHeaderMetadataAndBody) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers({{"x-request-id", "test-request-id"}, {"hi", "mom"}});
  EXPECT_TRUE(stream.answers().empty());
  stream.request_body(kBody.substr(0, 20), false);
  stream.request_body(kBody.substr(20));
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  const auto& common = answers[0].request_headers().response();
  EXPECT_TRUE(common.clear_route_cache());
  EXPECT_EQ(set(common.header_mutation()),
            (Fields{{"x-gateway-destination-endpoint", "10.0.0.2:8000"},
                    {"Content-Length", std::to_string(kBody.size())}}));
  EXPECT_EQ(answers[0]
                .dynamic_metadata()
                .fields()
                .at("envoy.lb")
                .struct_value()
                .fields()
                .at("x-gateway-destination-endpoint")
                .string_value(),
            "10.0.0.2:8000");
  EXPECT_EQ(streamed(answers[1]).body(), kBody);
  EXPECT_TRUE(streamed(answers[1]).end_of_stream());
  EXPECT_EQ(rig.active(), 1U);
  stream.half_close();
  EXPECT_EQ(stream.status(), "0");
  EXPECT_EQ(rig.active(), 0U);
}

TEST(ExtProc, RewritesTheModelAndRestoresItInTheAnswer) {
  Rig rig({{.name = "pod0", .waiting = 0, .kv_usage = 0.2},
           {.name = "pod1",
            .waiting = 0,
            .kv_usage = 0.2,
            .adapters = {.active = {"m-lora"}, .waiting = {}, .room = 2}}});
  Transaction stream(rig);
  stream.request_headers({{"x-llm-d-model-name-rewrite", "m-lora"}});
  stream.request_body(kBody);
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  const std::string rewritten =
      R"({"max_tokens":100,"model":"m-lora","prompt":"test1","temperature":0})";
  EXPECT_EQ(streamed(answers[1]).body(), rewritten);
  const auto& mutation = answers[0].request_headers().response().header_mutation();
  EXPECT_EQ(set(mutation).at("Content-Length"), std::to_string(rewritten.size()));
  EXPECT_EQ(set(mutation).at("x-gateway-destination-endpoint"), "10.0.0.2:8000");
  ASSERT_EQ(mutation.remove_headers_size(), 1);
  EXPECT_EQ(mutation.remove_headers(0), "x-llm-d-model-name-rewrite");

  stream.response_headers({{":status", "200"}, {"content-type", "application/json"}});
  stream.answer();
  stream.response_body(R"({"id":"c","model":"m-)", false);
  stream.response_body(R"(lora","choices":[]})", true);
  std::string body;
  for (const auto& part : stream.answers()) body += streamed(part).body();
  EXPECT_EQ(body, R"({"id":"c","model":"m","choices":[]})");
}

TEST(ExtProc, MakesARequestIdWhenThereIsNone) {
  for (const Fields& fields : {Fields{}, Fields{{"x-request-id", ""}}}) {
    Rig rig;
    Transaction stream(rig);
    stream.request_headers(fields);
    stream.request_body(kBody);
    const auto answers = stream.answers();
    ASSERT_EQ(answers.size(), 2U);
    const auto headers = set(answers[0].request_headers().response().header_mutation());
    EXPECT_EQ(headers.at("x-request-id").size(), 36U);
  }
}

TEST(ExtProc, CutsLongBodiesIntoChunks) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  const std::string body = R"({"model":"m","prompt":")" + std::string(500'000, 'x') + "\"}";
  for (std::size_t at = 0; at < body.size(); at += 60'000) {
    stream.request_body(body.substr(at, 60'000), at + 60'000 >= body.size());
  }
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 1 + (body.size() + 61'999) / 62'000);
  std::string joined;
  for (std::size_t i = 1; i < answers.size(); ++i) {
    joined += streamed(answers[i]).body();
    EXPECT_EQ(streamed(answers[i]).end_of_stream(), i + 1 == answers.size());
  }
  EXPECT_EQ(joined, body);
}

TEST(ExtProc, StreamsAnAnswerThroughChunkByChunk) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body(R"({"model":"m","prompt":"p","stream":true})");
  stream.answers();
  stream.response_headers({{":status", "200"}, {"content-type", "text/event-stream"}});
  EXPECT_EQ(set(stream.answer().response_headers().response().header_mutation()),
            (Fields{{"x-went-into-resp-headers", "true"}}));
  const std::vector<std::string> chunks{
      "data: {}\n\n",
      "data: {\"usage\":{\"prompt_tokens\":7,\"total_tokens\":17,\"completion_tokens\":10}}\n\n",
      "data: [DONE]\n\n", ""};
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    stream.response_body(chunks[i], i == 3);
    const auto part = stream.answer();
    EXPECT_EQ(streamed(part).body(), chunks[i]);
    EXPECT_EQ(streamed(part).end_of_stream(), i == 3);
  }
  stream.half_close();
  ASSERT_EQ(rig.ring().newest(1).size(), 1U);
  const Outcome outcome = rig.ring().newest(1)[0].outcome;
  EXPECT_EQ(outcome.end, Outcome::End::finished);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.prompt_tokens, 7);
  EXPECT_EQ(outcome.output_tokens, 10);
}

TEST(ExtProc, AcknowledgesTrailersBehindTheBody) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body(kBody);
  stream.answers();
  stream.response_headers({{":status", "200"}, {"content-type", "application/grpc"}});
  stream.answers();
  stream.response_body("frame", false);
  const auto part = stream.answer();
  EXPECT_EQ(streamed(part).body(), "frame");
  EXPECT_FALSE(streamed(part).end_of_stream());
  stream.response_trailers();
  EXPECT_TRUE(stream.answer().has_response_trailers());
  stream.half_close();
  EXPECT_EQ(rig.ring().newest(1)[0].outcome.end, Outcome::End::finished);
}

TEST(ExtProc, TakesRequestTrailersForTheEndOfTheBody) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body(kBody, false);
  EXPECT_TRUE(stream.answers().empty());
  stream.request_trailers();
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(streamed(answers[1]).body(), kBody);
  EXPECT_FALSE(streamed(answers[1]).end_of_stream());
  EXPECT_TRUE(answers[2].has_request_trailers());
}

TEST(ExtProc, RoutesHeadersWithoutABody) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers({{":method", "GET"}, {":path", "/v1/models"}}, true,
                         subset({"10.0.0.3:8000"}));
  const auto answer = stream.answer();
  const auto headers = set(answer.request_headers().response().header_mutation());
  EXPECT_EQ(headers.at("x-gateway-destination-endpoint"), "10.0.0.3:8000");
  EXPECT_FALSE(headers.contains("Content-Length"));
  stream.response_headers({{":status", "204"}}, true);
  EXPECT_TRUE(stream.answer().has_response_headers());
  stream.half_close();
  EXPECT_EQ(stream.status(), "0");
}

TEST(ExtProc, KeepsToTheSubsetOfTheNewestMessageThatHasOne) {
  Rig rig;
  for (const bool in_body : {false, true}) {
    Transaction stream(rig);
    stream.request_headers({}, false, subset({in_body ? "10.0.0.1:8000" : "10.0.0.3:8000"}));
    stream.request_body(kBody, true,
                        in_body ? subset({"10.0.0.3:8000"}) : wire::ProcessingRequest{});
    const auto answers = stream.answers();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(set(answers[0].request_headers().response().header_mutation())
                  .at("x-gateway-destination-endpoint"),
              "10.0.0.3:8000");
  }
}

struct Refusal {
  const char* name;
  std::vector<testing::Server> servers;
  Fields headers;
  std::string body;  // empty: headers alone
  std::vector<std::string> allowed;
  int status;
  std::string text;
  std::string reason;
};

// spec/03 section 5.3, the rows that can occur.
TEST(ExtProc, RefusesWithTheTextsOfTheSpecification) {
  const std::string error = "inference error: ";
  const std::vector<Refusal> rows{
      {"no endpoints, headers alone",
       {},
       {},
       "",
       {},
       503,
       error + "ServiceUnavailable - no pods available in datastore",
       "rejected-no-endpoints"},
      {"bad JSON",
       three(),
       {},
       "no healthy upstream",
       {},
       400,
       error + "BadRequest - error unmarshaling request bodyMap: "
               "invalid character 'o' in literal null (expecting 'u')",
       ""},
      {"model missing",
       {},
       {},
       R"({"prompt":"hello world"})",
       {},
       400,
       error + "BadRequest - model not found in request body",
       ""},
      {"no candidates",
       {},
       {},
       kBody,
       {},
       503,
       error + "ServiceUnavailable - failed to find endpoint candidates for serving the request",
       "rejected-no-endpoints"},
      {"subset of strangers",
       three(),
       {},
       kBody,
       {"192.168.1.99:8000"},
       503,
       error + "ServiceUnavailable - failed to find endpoint candidates for serving the request",
       "rejected-no-endpoints"},
  };
  for (const Refusal& row : rows) {
    Rig rig(row.servers);
    Transaction stream(rig);
    const auto hint = row.allowed.empty() ? wire::ProcessingRequest{} : subset(row.allowed);
    stream.request_headers(row.headers, row.body.empty(), hint);
    if (!row.body.empty()) stream.request_body(row.body);
    const auto answer = stream.answer();
    ASSERT_TRUE(answer.has_immediate_response()) << row.name;
    EXPECT_EQ(answer.immediate_response().status().code(), row.status) << row.name;
    EXPECT_EQ(answer.immediate_response().body(), row.text) << row.name;
    const Fields expected =
        row.reason.empty() ? Fields{} : Fields{{"x-llm-d-request-dropped-reason", row.reason}};
    EXPECT_EQ(set(answer.immediate_response().headers()), expected) << row.name;
    EXPECT_EQ(stream.status(), "0") << row.name;
    EXPECT_EQ(rig.active(), 0U) << row.name;
  }
}

TEST(ExtProc, TellsGrpcClientsTheirOwnStatus) {
  Rig rig(std::vector<testing::Server>{});
  Transaction stream(rig);
  stream.request_headers({{"content-type", "application/grpc"}});
  stream.request_body(kBody);
  EXPECT_EQ(stream.answer().immediate_response().grpc_status().status(), 14U);
}

TEST(ExtProc, BoundsTheBody) {
  Rig rig(three(), {.max_body = 1000});
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body(std::string(600, 'x'), false);
  stream.request_body(std::string(600, 'x'), false);
  const auto answer = stream.answer();
  EXPECT_EQ(answer.immediate_response().status().code(), 413);
  EXPECT_EQ(stream.status(), "0");
  EXPECT_EQ(rig.active(), 0U);
}

TEST(ExtProc, ShowsScoresAndDecisionOnlyWhenAsked) {
  Rig rig(three(), {.emit_scores = true, .decision_header = true});
  Transaction stream(rig);
  stream.request_headers({{"x-request-id", "r"},
                          {"hi", "mom"},
                          {"traceparent", "00-client"},
                          {"x-llm-d-inference-objective", "o"}});
  stream.request_body(kBody);
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  // What is not changed is not set again: an echo would merge headers sent in several lines.
  EXPECT_EQ(set(answers[0].request_headers().response().header_mutation()).size(), 2U);
  const auto& scores = answers[0]
                           .dynamic_metadata()
                           .fields()
                           .at("envoy.lb")
                           .struct_value()
                           .fields()
                           .at("x-gateway-destination-endpoint-scores")
                           .struct_value();
  EXPECT_EQ(scores.fields_size(), 3);
  stream.response_headers({{":status", "200"}, {"content-type", "application/json"}});
  const auto back = set(stream.answer().response_headers().response().header_mutation());
  EXPECT_EQ(back.size(), 2U);
  EXPECT_EQ(back.at("x-went-into-resp-headers"), "true");
  EXPECT_EQ(back.at("x-pointsman-decision").size(), 16U);
}

TEST(ExtProc, RefusesProxiesThatHoldBodiesBack) {
  for (const auto mode : {testing::Mode::BUFFERED, testing::Mode::STREAMED, testing::Mode::NONE}) {
    Rig rig;
    Transaction stream(rig);
    wire::ProcessingRequest with;
    with.mutable_protocol_config()->set_request_body_mode(mode);
    with.mutable_protocol_config()->set_response_body_mode(testing::Mode::FULL_DUPLEX_STREAMED);
    stream.request_headers({}, false, with);
    EXPECT_EQ(stream.status(), "9");
    EXPECT_NE(stream.message().find("FULL_DUPLEX_STREAMED"), std::string::npos);
    EXPECT_EQ(rig.active(), 0U);
  }
}

TEST(ExtProc, EndsACallThatSendsNoise) {
  Rig rig;
  Transaction stream(rig);
  stream.send("\x0a\x7f noise");
  EXPECT_EQ(stream.status(), "2");
  EXPECT_EQ(stream.message(), "cannot receive stream request: malformed ProcessingRequest");
  EXPECT_EQ(rig.active(), 0U);
}

TEST(ExtProc, KnowsAnAbortFromAnOrderlyEnd) {
  for (const bool abort : {true, false}) {
    Rig rig;
    Transaction stream(rig);
    stream.request_headers();
    stream.request_body(kBody);
    if (abort) {
      stream.cancel();
    } else {
      stream.half_close();
    }
    EXPECT_EQ(rig.active(), 0U);
    ASSERT_EQ(rig.ring().newest(1).size(), 1U);
    EXPECT_EQ(rig.ring().newest(1)[0].outcome.end,
              abort ? Outcome::End::client_aborted : Outcome::End::proxy_closed);
  }
}

TEST(ExtProc, SurvivesMessagesInAnyOrder) {
  Rig rig;
  Transaction stream(rig);
  stream.request_trailers();
  stream.request_body(kBody, false);
  stream.response_body("early", false);
  stream.response_trailers();
  stream.send(std::string());
  EXPECT_TRUE(stream.answers().empty());
  stream.response_headers({{":status", "503"}}, false);  // the proxy answers by itself
  EXPECT_TRUE(stream.answer().has_response_headers());
  stream.response_headers({{":status", "200"}}, false);
  stream.request_headers();
  stream.request_body(kBody);
  stream.response_body("no healthy upstream", true);
  EXPECT_EQ(streamed(stream.answer()).body(), "no healthy upstream");
  stream.response_body("after the end", true);
  stream.response_trailers();
  EXPECT_EQ(stream.answers().size(), 1U);
  stream.half_close();
  EXPECT_EQ(stream.status(), "0");
  EXPECT_EQ(rig.active(), 0U);
}

}  // namespace
}  // namespace pointsman
