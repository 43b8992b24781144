// Facts of spec/03 section 18 that concern the messages of one transaction.
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/app/testing/ext_proc_rig.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

using testing::Fields;
using testing::Rig;
using testing::set;
using testing::streamed;
using testing::Transaction;
namespace wire = testing::wire;

const std::string kBody = R"({"model":"m","prompt":"p"})";

// Header lines as a proxy may send them: in `value` or in `raw_value`, under any case.
wire::ProcessingRequest headers(const std::string& name, const std::string& value,
                                const std::string& raw) {
  wire::ProcessingRequest message;
  auto& header = *message.mutable_request_headers()->mutable_headers()->add_headers();
  header.set_key(name);
  header.set_value(value);
  header.set_raw_value(raw);
  return message;
}

std::string model_after(const wire::ProcessingRequest& head) {
  Rig rig;
  Transaction stream(rig);
  stream.send(head);
  stream.request_body(kBody);
  const auto answers = stream.answers();
  if (answers.size() != 2) return "?";
  const std::string body = streamed(answers[1]).body();
  return body.substr(10, body.find('"', 10) - 10);
}

TEST(ExtProcFacts, HeadersAreReadInAnyCaseAndRawValuesFirst) {
  const std::string name = "X-LLM-D-Model-Name-Rewrite";
  EXPECT_EQ(model_after(headers(name, "", "raw")), "raw");
  EXPECT_EQ(model_after(headers(name, "value", "")), "value");
  EXPECT_EQ(model_after(headers(name, "value", "raw")), "raw");
  EXPECT_EQ(model_after(headers("x-test", "value", "raw")), "m");
}

TEST(ExtProcFacts, TheLastOfSeveralLinesCounts) {
  auto message = headers("x-llm-d-model-name-rewrite", "", "first");
  *message.mutable_request_headers()->mutable_headers()->add_headers() =
      headers("X-llm-d-model-name-rewrite", "", "second").request_headers().headers().headers(0);
  EXPECT_EQ(model_after(message), "second");
}

TEST(ExtProcFacts, NewNamesOfControlHeadersBeatOldOnes) {
  auto message = headers("x-gateway-model-name-rewrite", "", "old");
  EXPECT_EQ(model_after(message), "old");
  *message.mutable_request_headers()->mutable_headers()->add_headers() =
      headers("x-llm-d-model-name-rewrite", "", "new").request_headers().headers().headers(0);
  EXPECT_EQ(model_after(message), "new");
}

TEST(ExtProcFacts, TheRoutersHeadersAreNotTheClients) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers({{"x-request-id", "r"},
                          {"x-user-data", "kept"},
                          {"x-llm-d-inference-objective", "a"},
                          {"x-gateway-inference-objective", "b"},
                          {"x-gateway-destination-endpoint", "1.1.1.1:666"},
                          {"content-length", "99999"}});
  stream.request_body(kBody);
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  const auto& mutation = answers[0].request_headers().response().header_mutation();
  EXPECT_EQ(set(mutation), (Fields{{"x-gateway-destination-endpoint", "10.0.0.2:8000"},
                                   {"Content-Length", std::to_string(kBody.size())}}));
  const auto& removed = mutation.remove_headers();
  EXPECT_EQ(
      std::set<std::string>(removed.begin(), removed.end()),
      (std::set<std::string>{"x-llm-d-inference-objective", "x-gateway-inference-objective"}));

  // Neither does a model server steer the proxy.
  stream.response_headers({{":status", "200"},
                           {"x-backend-server", "kept"},
                           {"x-gateway-destination-endpoint", "1.1.1.1:666"},
                           {"content-length", "99999"}});
  EXPECT_EQ(set(stream.answer().response_headers().response().header_mutation()),
            (Fields{{"x-went-into-resp-headers", "true"}}));
}

TEST(ExtProcFacts, TheSizeOfARequestIsWhatGoesOut) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers({{"x-llm-d-model-name-rewrite", "a-much-longer-name"}});
  stream.request_body(kBody);
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(metric_sum(rig.metrics(), "llm_d_epp_request_size_bytes_sum"),
            static_cast<double>(streamed(answers[1]).body().size()));
}

TEST(ExtProcFacts, AnswersToRequestsThatWereNotReadAreCountedUnderNoName) {
  Rig rig;
  Transaction stream(rig);
  stream.response_headers({{"content-type", "application/json"}});
  stream.response_body(R"({"usage":{"prompt_tokens":7,"completion_tokens":10}})", true);
  stream.half_close();
  EXPECT_EQ(metric_value(rig.metrics(),
                         R"(llm_d_epp_request_input_tokens_sum{fairness_id="default-flow",)"
                         R"(model_name="",priority="0",target_model_name=""})"),
            7.0);
  EXPECT_EQ(rig.active(), 0U);
}

TEST(ExtProcFacts, AMessageWithoutHeadersIsOneWithoutLines) {
  Rig rig;
  Transaction stream(rig);
  wire::ProcessingRequest message;
  message.mutable_request_headers();
  stream.send(message);
  stream.request_body(kBody);  // the path is that of completions then
  const auto answers = stream.answers();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(
      set(answers[0].request_headers().response().header_mutation()).at("x-request-id").size(),
      36U);
}

}  // namespace
}  // namespace pointsman
