// spec/03 sections 10.2 and 10.3.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/engine/testing/fakes.h"
#include "pointsman/engine/testing/pipeline_rig.h"

namespace pointsman {
namespace {

using testing::PipelineRig;
using testing::recording_trace;
using testing::spans;

// Sends `match` (empty: every model) to `targets`, which are YAML.
std::string rewrite(const std::string& match, const std::string& targets) {
  return "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceModelRewrite\nmetadata: {name: canary}\n"
         "spec: {poolRef: {name: p}, rules: [{" +
         (match.empty() ? "" : "matches: [{model: {value: " + match + "}}], ") +
         "targets: " + targets + "}]}\n";
}

// Reads objects whose only text is their model, or that have none.
void read_json(PipelineRig& rig) {
  rig.parser->on_parse = [](std::string_view body, Request& request) -> Result<Parsed> {
    Parsed parsed{.rewritable = true};
    constexpr std::string_view kKey = R"("model":)";
    if (const auto at = body.find(kKey); at != std::string_view::npos) {
      const std::size_t begin = at + kKey.size();
      const std::size_t end = body.find('"', begin + 1) + 1;
      parsed.model_value = {begin, end - begin};
      request.model = body.substr(begin + 1, end - begin - 2);
    }
    return parsed;
  };
}

TEST(RequestRewriting, WritesTheModelOfTheRewriteHeaderIntoTheBody) {
  PipelineRig rig;
  rig.parser->on_parse = [](std::string_view body, Request& request) -> Result<Parsed> {
    request.model = body.substr(10, 1);
    return Parsed{.model_value = {{9, 3}}, .rewritable = true};
  };
  rig.headers.push_back({"x-llm-d-model-name-rewrite", R"(a"b<c)"});
  ASSERT_TRUE(rig.run(R"({"model":"m","n":12345678901234567890})"));
  EXPECT_EQ(rig.outgoing(), R"({"model":"a\"b\u003cc","n":12345678901234567890})");
  EXPECT_EQ(rig.session.request.model, "m");
  EXPECT_EQ(rig.session.request.target_model, R"(a"b<c)");
}

TEST(RequestRewriting, ReadsTheOlderHeaderOnlyWhenTheNewOneIsAbsent) {
  PipelineRig rig;
  rig.headers.push_back({"x-gateway-model-name-rewrite", "old"});
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.target_model, "old");
  rig.headers.push_back({"x-llm-d-model-name-rewrite", ""});
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.target_model, "m");
}

TEST(RequestRewriting, WantsAModelWhereOneCouldBeWritten) {
  PipelineRig rig;
  const auto outcome = rig.run("");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::bad_request);
  EXPECT_EQ(outcome.error().message, "model not found in request body");
  rig.parser->on_parse = [](auto, auto&) { return Parsed{}; };  // bytes that nobody can read
  EXPECT_TRUE(rig.run("\x01\x02"));
  EXPECT_EQ(rig.outgoing(), "\x01\x02");
}

TEST(RequestRewriting, PrefersARuleToTheHeaderAndThatToTheBody) {
  PipelineRig rig;
  rig.headers.push_back({"x-llm-d-model-name-rewrite", "pre-existing-target"});
  rig.set_resources(rewrite("other", "[{modelRewrite: v1}]"));
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.target_model, "pre-existing-target");
  rig.set_resources(rewrite("m", "[{modelRewrite: v1}]"));
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.model, "m");
  EXPECT_EQ(rig.session.request.target_model, "v1");
  EXPECT_EQ(rig.session.decision->target_model, "v1");
  EXPECT_EQ(rig.outgoing(), "\"v1\"");
  EXPECT_EQ(rig.metric("llm_d_epp_model_rewrite_decisions_total{model_name=\"m\","
                       "model_rewrite_name=\"canary\",target_model=\"v1\"}"),
            1);
}

TEST(RequestRewriting, CountsRulesThatKeepTheModel) {
  PipelineRig rig;
  rig.set_resources(rewrite("m", "[{modelRewrite: m}]"));
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.outgoing(), "m");
  EXPECT_EQ(rig.metric("llm_d_epp_model_rewrite_decisions_total{model_name=\"m\","
                       "model_rewrite_name=\"canary\",target_model=\"m\"}"),
            1);
}

TEST(RequestRewriting, PutsAModelWhereTheBodyHasNone) {
  PipelineRig rig;
  read_json(rig);
  rig.set_resources(rewrite("", "[{modelRewrite: generic-target-model}]"));
  for (const auto& [body, sent] : std::map<std::string, std::string>{
           {R"({"prompt":"x"})", R"({"model":"generic-target-model","prompt":"x"})"},
           {"  {\n \"n\":1}", "  {\"model\":\"generic-target-model\",\n \"n\":1}"},
           {"{ }", R"({"model":"generic-target-model" })"},
           {R"({"n":1,"model":"m"})", R"({"n":1,"model":"generic-target-model"})"}}) {
    ASSERT_TRUE(rig.run(body));
    EXPECT_EQ(rig.outgoing(), sent);
  }
}

TEST(RequestRewriting, LeavesBytesThatNobodyCanWriteAgain) {
  PipelineRig rig;
  rig.parser->on_parse = [](std::string_view body, Request& request) -> Result<Parsed> {
    request.model = body.substr(0, 1);
    return Parsed{};
  };
  rig.set_resources(rewrite("", "[{modelRewrite: v1}]"));
  ASSERT_TRUE(rig.run("m\x01"));
  EXPECT_EQ(rig.session.request.target_model, "m");
  EXPECT_EQ(rig.outgoing(), "m\x01");
}

TEST(RequestRewriting, DrawsATargetFromTheSeedThatTheDecisionRecords) {
  PipelineRig rig;
  const std::string halves = rewrite("m", "[{modelRewrite: a}, {modelRewrite: b}]");
  rig.set_resources(halves);
  const RequestRules rules(*read_resources(halves));
  std::map<std::string, int> drawn;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(rig.run());
    const Decision& decision = *rig.session.decision;
    ++drawn[decision.target_model];
    EXPECT_EQ(rules.rewrite("m", decision.seed)->model, decision.target_model);
  }
  EXPECT_GT(drawn["a"], 60);
  EXPECT_GT(drawn["b"], 60);
}

TEST(RequestRewriting, TakesThePriorityOfTheObjective) {
  PipelineRig rig;
  rig.set_priority(7);
  ASSERT_TRUE(rig.run("m", recording_trace()));
  EXPECT_EQ(rig.session.request.priority, 7);
  EXPECT_EQ(rig.session.decision->priority, 7);
  EXPECT_EQ(spans(rig.session.trace, "gateway.request_orchestration").at(0).at("request_prio"),
            "7");
  EXPECT_EQ(rig.metric(R"(llm_d_epp_request_total{fairness_id="default-flow",model_name="m",)"
                       R"(priority="7",target_model_name="m"})"),
            1);
  rig.headers = {{":path", "/v1/test"}, {"x-gateway-inference-objective", "urgency"}};
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.priority, 7);
  rig.headers.back().value = "food-review-1";  // nobody has one of that name
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.priority, 0);
  EXPECT_EQ(rig.outgoing(), "m");
}

}  // namespace
}  // namespace pointsman
