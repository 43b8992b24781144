#include "pointsman/sim/round_robin.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/sim/sim.h"

namespace pointsman {
namespace {

class Answer final : public HttpSink {
 public:
  void on_head(const ResponseHead& head) override {
    status = head.status;
    port = head.fields.find("x-inference-port").value_or("");
  }
  void on_body(std::string_view bytes) override { body += bytes; }
  void on_end() override { over = true; }
  void on_failure(HttpFailure) override { over = true; }

  int status = 0;
  std::string port;
  std::string body;
  bool over = false;
  HttpCall call;
};

class RoundRobinTest : public ::testing::Test {
 protected:
  void open(double time_scale) {
    auto fleet =
        SimFleet::open(loop_, {.count = 3, .port = 0, .proxy_port = 0, .time_scale = time_scale});
    ASSERT_TRUE(fleet.has_value());
    fleet_ = *std::move(fleet);
  }

  void start(Answer& answer, std::string_view body) {
    const RequestHead head{.method = "POST", .target = "/v1/completions"};
    client_.start(answer.call, {.address = fleet_->proxy_address(), .tls = {}, .host = {}}, head,
                  std::array{body}, answer);
  }

  Loop loop_;
  std::unique_ptr<SimFleet> fleet_;
  HttpClient client_{loop_, {}};
};

TEST_F(RoundRobinTest, TakesServersInTurn) {
  open(1000);
  std::map<std::string, int> times;
  for (int i = 0; i < 6; ++i) {
    Answer answer;
    start(answer, R"({"prompt":"hi","max_tokens":3})");
    ASSERT_TRUE(loop_.run_until([&] { return answer.over; }));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(nlohmann::json::parse(answer.body)["usage"]["completion_tokens"], 3);
    ++times[answer.port];
  }
  EXPECT_EQ(times.size(), 3U);
  for (const auto& [port, count] : times) EXPECT_EQ(count, 2) << port;
}

TEST_F(RoundRobinTest, PassesStreamsOnAsTheyCome) {
  open(1);
  Answer answer;
  start(answer, R"({"prompt":"hi","stream":true,"max_tokens":100000})");
  // The answer would take 17 minutes, so what comes has not been waited for.
  EXPECT_TRUE(loop_.run_until([&] { return answer.body.contains("data: "); }));
  EXPECT_FALSE(answer.over);
}

TEST_F(RoundRobinTest, SaysWhenAServerIsGone) {
  open(1);
  for (std::size_t server = 0; server < fleet_->size(); ++server) {
    const RequestHead head{.method = "POST", .target = "/sim/faults"};
    const std::string order = R"({"fault":"dead","server":)" + std::to_string(server) + "}";
    Answer answer;
    // Asked of the last server, which dies last.
    client_.start(answer.call, {.address = fleet_->address(2), .tls = {}, .host = {}}, head,
                  std::array{std::string_view(order)}, answer);
    ASSERT_TRUE(loop_.run_until([&] { return answer.over; }));
  }
  Answer answer;
  start(answer, R"({"prompt":"hi"})");
  ASSERT_TRUE(loop_.run_until([&] { return answer.over; }));
  EXPECT_EQ(answer.status, 502);
}

}  // namespace
}  // namespace pointsman
