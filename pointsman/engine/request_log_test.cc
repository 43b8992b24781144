// spec/07 section 12: what is logged for one request.
#include "pointsman/engine/request_log.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/client_text.h"
#include "pointsman/base/testing/allocations.h"
#include "pointsman/engine/testing/pipeline_rig.h"
#include "pointsman/telemetry/testing/log_pipe.h"

namespace pointsman {
namespace {

using testing::PipelineRig;

constexpr std::string_view kJson = "application/json";

// A pipeline that logs, and its lines.
struct Rig : PipelineRig {
  testing::LogPipe pipe;
  Log log{pipe.fd()};
  Logger logger{log, "request"};

  explicit Rig(std::size_t endpoints = 2) : PipelineRig(endpoints) {
    options.log = &logger;
    headers.push_back({"x-request-id", "id-7"});
  }

  // The only line since the last call, or all of them in brackets.
  std::string line() const {
    const std::string text = pipe.text();
    return text.find('\n') + 1 == text.size() ? text : "[" + text + "]";
  }
};

bool begins(std::string_view line, std::string_view level, std::string_view message) {
  return line.starts_with(R"({"level":")" + std::string(level) + "\"") &&
         line.contains(R"("msg":")" + std::string(message) + R"(",)");
}

TEST(RequestLog, TellsARequestThatWentWellInOneLine) {
  Rig rig;
  rig.headers.push_back({"x-llm-d-model-name-rewrite", "target"});
  rig.parser->usage = {.prompt = 100, .output = 3, .total = 103};
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.pipe.text(), "");
  rig.respond(200, kJson, {"{", "}"});
  rig.finish();
  const std::string line = rig.line();
  EXPECT_TRUE(begins(line, "info", "Request handled")) << line;
  const std::string decision = decision_id_text(rig.session.decision->id);
  for (const std::string& field : std::vector<std::string>{
           R"("logger":"request")", R"("x-request-id":"id-7")", R"("incomingModelName":"m")",
           R"("targetModelName":"target")", R"("priority":0)", R"("end":"finished")",
           R"("status":200)", R"("routing":)", R"("ttft":)", R"("duration":)",
           R"("requestBytes":1)", R"("responseBytes":2)", R"("promptTokens":100)",
           R"("outputTokens":3)", R"("endpoint":")", R"("decision":")" + decision + "\""}) {
    EXPECT_TRUE(line.contains(field)) << field << " in " << line;
  }
  EXPECT_FALSE(line.contains("cachedTokens") || line.contains("error")) << line;
}

TEST(RequestLog, TellsWhyARequestWasRefusedButNotAsAnError) {
  Rig rig(0);
  ASSERT_FALSE(rig.run());
  rig.finish(Outcome::End::rejected);
  std::string line = rig.line();
  EXPECT_TRUE(begins(line, "info", "Request refused")) << line;
  EXPECT_TRUE(line.contains(R"("status":503,"code":"ServiceUnavailable","reason":)"
                            R"("rejected-no-endpoints","error":"failed to find)"))
      << line;
  rig.parser->on_parse = [](auto, auto&) { return fail(Code::bad_request, "not today"); };
  ASSERT_FALSE(rig.run());
  rig.finish(Outcome::End::rejected);
  line = rig.line();
  EXPECT_TRUE(begins(line, "info", "Request refused")) << line;
  EXPECT_TRUE(line.contains(R"("status":400,"code":"BadRequest","error":"not today")")) << line;
}

TEST(RequestLog, CallsOurOwnFaultsErrorsAndShowsThemAtEveryLevel) {
  Rig rig;
  rig.log.show(verbosity::kError);
  rig.add_hook("h").outcome = fail(Code::internal, "broken");
  ASSERT_FALSE(rig.run());
  rig.finish(Outcome::End::rejected);
  std::string line = rig.line();
  EXPECT_TRUE(begins(line, "error", "Error handling request")) << line;
  EXPECT_TRUE(line.contains(R"("status":500,"code":"Internal","error":"PreRequest)")) << line;

  rig.session.note_failure("the model server broke off");
  rig.finish(Outcome::End::upstream_failed);
  line = rig.line();
  EXPECT_TRUE(begins(line, "error", "Error handling request")) << line;
  EXPECT_TRUE(line.contains(R"("end":"upstream_failed")")) << line;
}

TEST(RequestLog, TellsHowARequestEnded) {
  struct Case {
    int status;
    Outcome::End end;
    std::string_view message;
    std::string_view how;
  };
  for (const Case& each : {Case{0, Outcome::End::client_aborted, "Request aborted", "aborted"},
                           Case{200, Outcome::End::client_aborted, "Request aborted", "aborted"},
                           Case{0, Outcome::End::pending, "Request aborted", "closed by proxy"},
                           Case{200, Outcome::End::pending, "Request handled", "closed by proxy"},
                           Case{0, Outcome::End::finished, "Request handled", "finished"},
                           Case{404, Outcome::End::finished, "Request handled", "finished"},
                           Case{503, Outcome::End::finished, "Model server error", "finished"}}) {
    Rig rig;
    ASSERT_TRUE(rig.run());
    if (each.status != 0) {
      rig.pipeline().response_started(rig.session, each.status, kJson, rig.worker);
    }
    rig.finish(each.end);
    const std::string line = rig.line();
    EXPECT_TRUE(begins(line, "info", each.message)) << line;
    EXPECT_TRUE(line.contains(R"("end":")" + std::string(each.how) + "\"")) << line;
  }
}

TEST(RequestLog, CutsWhatAClientMadeTooLong) {
  Rig rig;
  const std::string giant(100'000, 'g');
  rig.headers.back().value = giant;
  ASSERT_TRUE(rig.run(giant));
  rig.respond(200, kJson, {"{}"});
  rig.finish();
  const std::string line = rig.line();
  EXPECT_LT(line.size(), 4 * kMaxClientText + 700) << line;
  EXPECT_TRUE(line.contains(R"("x-request-id":"ggg)"));
}

TEST(RequestLog, SaysNothingOfAStreamThatNeverBecameARequest) {
  Rig rig;
  rig.session.reset();
  rig.finish(Outcome::End::pending);
  EXPECT_EQ(rig.pipe.text(), "");
}

TEST(RequestLog, CostsNoMemoryWhenItsLevelIsOff) {
  Rig rig;
  ASSERT_TRUE(rig.run());
  rig.respond(200, kJson, {"{}"});
  rig.log.show(verbosity::kInfo);
  const auto before = testing::allocations();
  log_request(rig.logger, rig.session, Outcome::End::finished);
  EXPECT_EQ(testing::allocations(), before);
  EXPECT_EQ(rig.pipe.text(), "");
  rig.log.show(verbosity::kDefault);
  log_request(rig.logger, rig.session, Outcome::End::finished);
  EXPECT_GT(testing::allocations(), before);
}

}  // namespace
}  // namespace pointsman
