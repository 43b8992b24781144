// The states of one HTTP transaction and what may come in each of them: ends, resets, messages out
// of order, bodies in crumbs (spec/03 sections 3 and 20).
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/testing/ext_proc_rig.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

namespace wire = testing::wire;
using testing::Fields;
using testing::Mode;
using testing::Rig;
using testing::set;
using testing::streamed;
using testing::Transaction;

const std::string kBody = R"({"model":"m","prompt":"p","stream":true})";
const std::string kUsage =
    "data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\n";
const Fields kSse{{":status", "200"}, {"content-type", "text/event-stream"}};

// A whole transaction, message by message.
std::vector<std::function<void(Transaction&)>> steps() {
  return {[](Transaction& t) { t.request_headers(); },
          [](Transaction& t) { t.request_body(kBody.substr(0, 9), false); },
          [](Transaction& t) { t.request_body(kBody.substr(9)); },
          [](Transaction& t) { t.response_headers(kSse); },
          [](Transaction& t) { t.response_body("data: {}\n\n", false); },
          [](Transaction& t) { t.response_body(kUsage, true); },
          [](Transaction& t) { t.response_trailers(); }};
}

void expect_a_request_is_served(Rig& rig) {
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body(kBody);
  EXPECT_EQ(stream.answers().size(), 2U);
  stream.half_close();
  EXPECT_EQ(stream.status(), "0");
}

TEST(ExtProcStates, AnEndInAnyStateLeavesNothingBehind) {
  for (const bool reset : {false, true}) {
    for (std::size_t said = 0; said <= steps().size(); ++said) {
      SCOPED_TRACE(std::string(reset ? "reset" : "closed") + " after " + std::to_string(said));
      Rig rig;
      Transaction stream(rig);
      for (std::size_t i = 0; i < said; ++i) steps()[i](stream);
      if (reset) {
        stream.cancel();
      } else {
        stream.half_close();
        EXPECT_EQ(stream.status(), "0");
      }
      EXPECT_EQ(rig.active(), 0U);
      EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_running"), 0.0);
      const auto decisions = rig.ring().newest(1);
      ASSERT_EQ(decisions.size(), said < 3 ? 0U : 1U);
      if (said >= 3) {
        const bool whole = said >= 6;
        const auto expected = whole   ? Outcome::End::finished
                              : reset ? Outcome::End::client_aborted
                                      : Outcome::End::proxy_closed;
        EXPECT_EQ(decisions[0].outcome.end, expected);
      }
      expect_a_request_is_served(rig);
    }
  }
}

TEST(ExtProcStates, OnlyTheFirstHeadersCount) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers({{"x-llm-d-model-name-rewrite", "first"}});
  stream.request_headers({{"x-llm-d-model-name-rewrite", "second"}}, true);
  EXPECT_TRUE(stream.answers().empty());
  stream.request_body(kBody);
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(streamed(answers[1]).body(), R"({"model":"first","prompt":"p","stream":true})");
  stream.request_headers({}, true);
  EXPECT_TRUE(stream.answers().empty());
}

TEST(ExtProcStates, ASecondEndOfTheBodyIsNotHeard) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body(kBody);
  EXPECT_EQ(stream.answers().size(), 2U);
  stream.request_body(kBody);
  stream.request_body("", true);
  stream.request_trailers();
  EXPECT_TRUE(stream.answers().empty());
  stream.response_headers(kSse);
  stream.response_body(kUsage, true);
  EXPECT_EQ(stream.answers().size(), 2U);
  stream.response_body(kUsage, true);
  stream.response_headers(kSse, true);
  EXPECT_TRUE(stream.answers().empty());
  stream.half_close();
  EXPECT_EQ(rig.ring().newest(1)[0].outcome.prompt_tokens, 7);
  EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_input_tokens_count"), 1.0);
}

// As when the proxy does not send request headers.
TEST(ExtProcStates, ABodyWithoutHeadersIsARequest) {
  Rig rig;
  Transaction stream(rig);
  stream.request_body(kBody.substr(0, 5), false);
  stream.request_body(kBody.substr(5));
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(streamed(answers[1]).body(), kBody);
  wire::ProcessingRequest buffered;
  buffered.mutable_protocol_config()->set_request_body_mode(Mode::BUFFERED);
  Transaction other(rig);
  other.request_body(kBody, true, buffered);
  EXPECT_EQ(other.status(), "9") << "its mode is refused as with headers";
}

TEST(ExtProcStates, TokensOfAStreamThatBreaksOffAreCounted) {
  for (const bool reset : {false, true}) {
    Rig rig;
    Transaction stream(rig);
    for (std::size_t i = 0; i < 4; ++i) steps()[i](stream);
    stream.response_body(kUsage, false);
    if (reset) {
      stream.cancel();
    } else {
      stream.half_close();
    }
    EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_input_tokens_sum"), 7.0) << reset;
    EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_output_tokens_sum"), 10.0) << reset;
    EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_duration_seconds_count"), 0.0) << reset;
  }
}

TEST(ExtProcStates, ContentTypesAreReadHoweverTheyAreWritten) {
  Rig rig;
  Transaction stream(rig);
  for (std::size_t i = 0; i < 3; ++i) steps()[i](stream);
  stream.response_headers({{":status", "200"}, {"content-type", "Text/Event-Stream"}});
  stream.response_body(kUsage, true);
  EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_input_tokens_sum"), 7.0);
}

TEST(ExtProcStates, NothingIsSaidAfterARefusal) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body("not JSON");
  EXPECT_TRUE(stream.answer().has_immediate_response());
  EXPECT_EQ(rig.active(), 0U);
  stream.response_headers({{":status", "400"}});
  stream.response_body("x", true);
  stream.half_close();
  EXPECT_TRUE(stream.answers().empty());
  EXPECT_EQ(stream.status(), "0");
  expect_a_request_is_served(rig);
}

// The proxy answers by itself, or the model server before it has read the request.
TEST(ExtProcStates, AnAnswerMayComeBeforeTheRequestIsWhole) {
  for (const std::size_t said : {0U, 1U, 2U, 3U}) {
    SCOPED_TRACE(said);
    Rig rig;
    Transaction stream(rig);
    for (std::size_t i = 0; i < said; ++i) steps()[i](stream);
    stream.answers();
    stream.response_headers({{":status", "413"}, {"content-type", "text/plain"}});
    EXPECT_TRUE(stream.answer().has_response_headers());
    // The rest of the request, which nobody needs any more.
    for (std::size_t i = said; i < 3; ++i) steps()[i](stream);
    EXPECT_TRUE(stream.answers().empty());
    stream.response_body("too large", true);
    EXPECT_EQ(streamed(stream.answer()).body(), "too large");
    stream.half_close();
    EXPECT_EQ(stream.status(), "0");
    EXPECT_EQ(rig.active(), 0U);
    EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_running"), 0.0);
    EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_error_total"), 1.0);
  }
}

TEST(ExtProcStates, TrailersAloneAreAWholeAnswer) {
  for (const bool in_headers : {true, false}) {
    Rig rig;
    Transaction stream(rig);
    stream.request_headers();
    stream.request_body(kBody);
    stream.answers();
    const Fields head{
        {":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "12"}};
    stream.response_headers(head, in_headers);
    EXPECT_TRUE(stream.answer().has_response_headers());
    if (!in_headers) {
      stream.response_trailers();
      EXPECT_TRUE(stream.answer().has_response_trailers());
    }
    stream.half_close();
    EXPECT_EQ(rig.ring().newest(1)[0].outcome.end, Outcome::End::finished);
    EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_duration_seconds_count"), 1.0);
  }
}

TEST(ExtProcStates, BodiesMayComeByteByByte) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  for (std::size_t i = 0; i < kBody.size(); ++i) {
    stream.request_body(kBody.substr(i, 1), i + 1 == kBody.size());
  }
  const auto routed = stream.answers();
  ASSERT_EQ(routed.size(), 2U);
  EXPECT_EQ(streamed(routed[1]).body(), kBody);
  stream.response_headers(kSse);
  stream.answer();
  const std::string answer = "data: {\"model\":\"m\"}\n\n" + kUsage + "data: [DONE]\n\n";
  std::string back;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    stream.response_body(answer.substr(i, 1), i + 1 == answer.size());
    const auto part = stream.answer();
    back += streamed(part).body();
    EXPECT_EQ(streamed(part).end_of_stream(), i + 1 == answer.size());
  }
  EXPECT_EQ(back, answer);
  stream.half_close();
  const Outcome outcome = rig.ring().newest(1)[0].outcome;
  EXPECT_EQ(outcome.prompt_tokens, 7);
  EXPECT_EQ(outcome.output_tokens, 10);
}

TEST(ExtProcStates, ARewriteByteByByteRestoresTheNameInTheAnswer) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers({{"x-llm-d-model-name-rewrite", "m-lora"}});
  stream.request_body(kBody);
  stream.answers();
  stream.response_headers(kSse);
  stream.answer();
  const std::string answer = "data: {\"model\": \"m-lora\",\"text\":\"\\\"model\\\"\"}\n\n";
  std::string back;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    stream.response_body(answer.substr(i, 1), false);
    for (const auto& part : stream.answers()) back += streamed(part).body();
  }
  stream.response_trailers();
  for (const auto& part : stream.answers()) back += streamed(part).body();
  EXPECT_EQ(back, "data: {\"model\": \"m\",\"text\":\"\\\"model\\\"\"}\n\n");
}

// Numbers, strings, order and blanks stay as the client wrote them.
TEST(ExtProcStates, ARewriteChangesOnlyTheBytesOfTheName) {
  const std::string before =
      "{ \"seed\":12345678901234567890, "
      "\"a\":1.0,\"b\":1E5,\"c\":-0,\"d\":100000000000000000000000,"
      "\"prompt\" : \"caf\\u00e9 \\/ <&> \\ud83d\\ude00 "
      "\xC3\xA9\",\"n\":1,\"n\":2,\t\"model\"\n:\r";
  const std::string after = " , \"z\":[ ], \"a\":0.10 }\n";
  const std::string name = R"("name\/of")";
  for (const std::string& rewritten :
       {std::string(R"("m-lora")"), std::string(R"("\u003cb\u003e")")}) {
    Rig rig;
    Transaction stream(rig);
    stream.request_headers(
        {{"x-llm-d-model-name-rewrite", rewritten[1] == 'm' ? "m-lora" : "<b>"}});
    stream.request_body(before + name + after);
    const auto answers = stream.answers();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(streamed(answers[1]).body(), before + rewritten + after);
  }
  // Of two, the last one counts, as it does for the model server.
  Rig rig;
  Transaction stream(rig);
  stream.request_headers({{"x-llm-d-model-name-rewrite", "m-lora"}});
  stream.request_body(R"({"model":"x","mod\u0065l":"y","prompt":"p"})");
  EXPECT_EQ(streamed(stream.answers().at(1)).body(),
            R"({"model":"x","mod\u0065l":"m-lora","prompt":"p"})");
}

TEST(ExtProcStates, ABodyIsNotTouchedWhenNothingIsRewritten) {
  const std::string body =
      "{\"model\":\"a\\/b\" ,\"n\":1e2,\"n\":1.50,\"prompt\":\"\\u0041\xFF\"}\r\n ";
  for (const Fields& headers : {Fields{}, Fields{{"x-llm-d-model-name-rewrite", "a/b"}}}) {
    Rig rig;
    Transaction stream(rig);
    stream.request_headers(headers);
    stream.request_body(body);
    const auto answers = stream.answers();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(streamed(answers[1]).body(), body);
  }
}

}  // namespace
}  // namespace pointsman
