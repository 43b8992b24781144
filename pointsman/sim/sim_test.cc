#include "pointsman/sim/sim.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/sim/event_reader.h"
#include "pointsman/wire/http_client.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kText = "/v1/completions";

// One request and what came of it.
class Call final : public HttpSink {
 public:
  void on_head(const ResponseHead& head) override {
    status = head.status;
    fields = head.fields;
  }
  void on_body(std::string_view bytes) override { body += bytes; }
  void on_end() override { ended = true; }
  void on_failure(HttpFailure failure) override { failed = failure.error.message; }

  bool over() const { return ended || failed.has_value(); }
  json parsed() const { return json::parse(body, nullptr, false); }

  int status = 0;
  HttpFields fields;
  std::string body;
  bool ended = false;
  std::optional<std::string> failed;
  HttpCall call;
  std::string sent;
};

// A fleet a thousand times as fast as its model, and a client, on one loop.
class Sim : public ::testing::Test {
 protected:
  void open(SimOptions options = {}) {
    options.port = 0;
    if (options.time_scale == 1) options.time_scale = 1000;
    auto opened = SimFleet::open(loop_, options);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    fleet_ = *std::move(opened);
  }

  void start(Call& call, std::string method, std::string_view path, std::string body,
             HttpFields fields = {}, std::size_t server = 0) {
    call.sent = std::move(body);
    const RequestHead head{
        .method = std::move(method), .target = std::string(path), .fields = std::move(fields)};
    const std::array<std::string_view, 1> parts = {call.sent};
    client_.start(call.call, {.address = fleet_->address(server), .tls = {}, .host = {}}, head,
                  std::span(parts).first(call.sent.empty() ? 0 : 1), call);
  }

  void finish(Call& call) {
    EXPECT_TRUE(loop_.run_until([&] { return call.over(); })) << "no answer in time";
  }

  Call& get(Call& call, std::string_view path, std::size_t server = 0) {
    start(call, "GET", path, {}, {}, server);
    finish(call);
    return call;
  }
  Call& post(Call& call, std::string_view path, const std::string& body, HttpFields fields = {},
             std::size_t server = 0) {
    start(call, "POST", path, body, std::move(fields), server);
    finish(call);
    return call;
  }

  double gauge(std::string_view name, std::size_t server = 0) {
    Call call;
    const std::string page = get(call, "/metrics", server).body;
    const std::size_t at = page.find("\n" + std::string(name) + "{");
    if (at == std::string::npos) return -1;
    return std::stod(page.substr(page.find("} ", at) + 2));
  }

  void fault(const std::string& order) {
    Call call;
    EXPECT_EQ(post(call, "/sim/faults", order).status, 200) << call.body;
  }

  Loop loop_;
  std::unique_ptr<SimFleet> fleet_;
  HttpClient client_{loop_, {}};
};

TEST_F(Sim, AnswersAChatWhole) {
  open();
  Call call;
  post(
      call, kChat,
      R"({"model":"sim-model","messages":[{"role":"user","content":"hello you"}],"max_tokens":3})");
  EXPECT_EQ(call.status, 200);
  EXPECT_EQ(call.fields.find("content-type"), "application/json");
  const json answer = call.parsed();
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_EQ(answer["model"], "sim-model");
  EXPECT_EQ(answer["usage"], json::parse(R"({"prompt_tokens":3,"completion_tokens":3,
      "total_tokens":6,"prompt_tokens_details":{"cached_tokens":0}})"));
}

TEST_F(Sim, StreamsTokensAndUsage) {
  open();
  Call call;
  post(call, kText,
       R"({"prompt":"hi<|output=20|>","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(call.fields.find("content-type"), "text/event-stream; charset=utf-8");
  EventReader events;
  ASSERT_TRUE(events.feed(call.body));
  std::string_view event;
  std::size_t tokens = 0;
  json usage;
  std::string last;
  while (events.next(event)) {
    last = event;
    const json chunk = json::parse(event, nullptr, false);
    if (!chunk.is_object()) continue;
    if (!chunk["choices"].empty() && chunk["choices"][0]["finish_reason"].is_null()) ++tokens;
    if (chunk["usage"].is_object()) usage = chunk["usage"];
  }
  EXPECT_EQ(tokens, 20U);
  EXPECT_EQ(usage["completion_tokens"], 20);
  EXPECT_EQ(last, "[DONE]");
}

TEST_F(Sim, TakesAPromptItHasSeenFromItsCache) {
  open({.count = 2});
  const std::string body = json({{"prompt", std::string(1000, 'x')}, {"max_tokens", 1}}).dump();
  const auto cached = [&](std::size_t server) {
    Call call;
    return post(call, kText, body, {}, server)
        .parsed()["usage"]["prompt_tokens_details"]["cached_tokens"];
  };
  EXPECT_EQ(cached(0), 0);
  EXPECT_EQ(cached(0), 192);  // three of the three full blocks of 64 wire tokens
  EXPECT_EQ(cached(1), 0);
  fault(R"({"fault":"cache-loss"})");
  EXPECT_EQ(cached(0), 0);
}

TEST_F(Sim, SaysWhatItServesAndHowItFares) {
  open({.loras = {"adapter"}});
  Call health;
  EXPECT_EQ(get(health, "/health").status, 200);
  Call models;
  const json list = get(models, "/v1/models").parsed();
  EXPECT_EQ(list["data"][0]["id"], "sim-model");
  EXPECT_EQ(list["data"][1]["id"], "adapter");
  EXPECT_EQ(list["data"][1]["parent"], "sim-model");
  Call page;
  get(page, "/metrics");
  EXPECT_EQ(page.fields.find("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_TRUE(page.body.contains("vllm:cache_config_info{block_size=\"64\","));
  EXPECT_GT(page.body.size(), 50'000U);
}

TEST_F(Sim, EchoesTheRequestIdAndShowsWhatHeadersCame) {
  open();
  HttpFields fields;
  fields.add("X-Request-Id", "r-1");
  fields.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  Call call;
  post(call, kText, R"({"prompt":"hi","max_tokens":1})", fields);
  EXPECT_EQ(call.fields.find("x-request-id"), "r-1");
  EXPECT_EQ(call.parsed()["id"], "cmpl-r-1");
  EXPECT_EQ(call.fields.find("x-inference-pod"), "sim-0");
  EXPECT_EQ(call.fields.find("x-inference-port"), std::to_string(fleet_->address(0).port));

  Call seen;
  const json list = get(seen, "/sim/requests").parsed();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["target"], kText);
  const json trace = {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
  EXPECT_TRUE(std::ranges::count(list[0]["headers"], trace) == 1);
}

TEST_F(Sim, RefusesAsAnEngineDoes) {
  open();
  struct Case {
    std::string method;
    std::string path;
    std::string body;
    int status;
    std::string message;
  };
  for (const Case& one : {
           Case{"POST", "/v1/completions", R"({"prompt":"hi","model":"x"})", 404,
                "The model `x` does not exist."},
           Case{"POST", "/v1/completions", "{", 400,
                "Failed to read and parse request body, it is not a JSON object"},
           Case{"POST", "/v1/completions", R"({"prompt":"hi","max_tokens":2000000})", 400,
                "This model's maximum context length is 1024000 tokens. However, you requested "
                "2000004 tokens (4 in the prompt, 2000000 in the completion)."},
       }) {
    Call call;
    start(call, one.method, one.path, one.body);
    finish(call);
    EXPECT_EQ(call.status, one.status);
    EXPECT_EQ(call.parsed()["error"]["message"], one.message);
    EXPECT_EQ(call.parsed()["error"]["code"], one.status);
  }
  Call nowhere;
  EXPECT_EQ(get(nowhere, "/v1/nowhere").status, 404);
  Call method;
  EXPECT_EQ(get(method, kChat).status, 405);
  HttpFields fields;
  fields.add("x-return-error", "429");
  Call asked;
  EXPECT_EQ(post(asked, kText, R"({"prompt":"hi"})", fields).status, 429);
  EXPECT_EQ(asked.parsed()["error"]["message"],
            "Simulated error triggered by X-Return-Error header (code 429)");
}

TEST_F(Sim, ForgetsARequestWhoseClientGoesAway) {
  open({.time_scale = 10});
  {
    Call call;
    start(call, "POST", kText, R"({"prompt":"hi","stream":true,"max_tokens":100000})");
    ASSERT_TRUE(loop_.run_until([&] { return !call.body.empty(); }));
    EXPECT_EQ(gauge("vllm:num_requests_running"), 1);
  }
  const auto running = [&] { return gauge("vllm:num_requests_running"); };
  for (int i = 0; i < 1000 && running() > 0; ++i) {
  }
  EXPECT_EQ(running(), 0);
  EXPECT_EQ(gauge("vllm:kv_cache_usage_perc"), 0);
}

TEST_F(Sim, ListsAdaptersThatRun) {
  open({.time_scale = 10, .loras = {"a", "b"}});
  Call call;
  start(call, "POST", kText, R"({"prompt":"hi","model":"b","stream":true,"max_tokens":100000})");
  ASSERT_TRUE(loop_.run_until([&] { return !call.body.empty(); }));
  Call page;
  get(page, "/metrics");
  EXPECT_TRUE(page.body.contains(
      R"(vllm:lora_requests_info{max_lora="2",running_lora_adapters="b",waiting_lora_adapters=""})"));
}

TEST_F(Sim, PacesTokensWithoutAModel) {
  open({.time_scale = 1, .pace = 1ms});
  const auto start_time = Clock::now();
  Call call;
  post(call, kText, R"({"prompt":"hi","stream":true,"max_tokens":20})");
  const auto took = Clock::now() - start_time;
  EXPECT_GE(took, 20ms);
  EXPECT_TRUE(call.body.ends_with("data: [DONE]\n\n"));
}

TEST_F(Sim, RefusesOptionsThatMakeNoSense) {
  const auto error = [&](const SimOptions& options) {
    const auto fleet = SimFleet::open(loop_, options);
    return fleet ? "accepted" : fleet.error().message;
  };
  EXPECT_EQ(error({.count = 0}), "--count: must be between 1 and 1000");
  EXPECT_EQ(error({.count = 2, .port = 65535}),
            "--port: the last server's port would be above 65535");
  EXPECT_EQ(error({.time_scale = 0}), "--time-scale: must be between 0.001 and 1000");
  EXPECT_EQ(error({.pace = 0ns}), "--pace: must be longer than zero");
}

// -- Faults

TEST_F(Sim, DiesAndComesBackOnTheSamePort) {
  open({.count = 2});
  const Address before = fleet_->address(1);
  Call running;
  start(running, "POST", kText, R"({"prompt":"hi","stream":true,"max_tokens":100000})", {}, 1);
  ASSERT_TRUE(loop_.run_until([&] { return !running.body.empty(); }));
  fault(R"({"fault":"dead","server":1})");
  finish(running);
  EXPECT_TRUE(running.failed.has_value());
  Call dead;
  EXPECT_TRUE(get(dead, "/health", 1).failed.has_value());
  fault(R"({"fault":"clear","server":1})");
  EXPECT_EQ(fleet_->address(1), before);
  Call alive;
  EXPECT_EQ(get(alive, "/health", 1).status, 200);
}

TEST_F(Sim, HangsUntilCleared) {
  open();
  fault(R"({"fault":"hang"})");
  Call call;
  start(call, "GET", "/health", {});
  EXPECT_FALSE(loop_.run_until([&] { return call.over(); }, 50ms));
  fault(R"({"fault":"clear"})");
  finish(call);
  EXPECT_EQ(call.status, 200);
}

TEST_F(Sim, RecoversByItselfFromAFaultThatLasts) {
  open();
  fault(R"({"fault":"hang","seconds":0.05})");
  Call call;
  EXPECT_EQ(get(call, "/health").status, 200);
}

TEST_F(Sim, SlowsDown) {
  open();
  const auto timed = [&] {
    const auto begin = Clock::now();
    Call call;
    post(call, kText, R"({"prompt":"hi","max_tokens":2})");
    return Clock::now() - begin;
  };
  fault(R"({"fault":"slow","factor":5000})");
  EXPECT_GE(timed(), 100ms);  // two steps of 10 ms at a fifth of real time
}

TEST_F(Sim, CutsStreamsAndWholeAnswers) {
  open();
  fault(R"({"fault":"cut-stream","tokens":2})");
  Call stream;
  post(stream, kText, R"({"prompt":"hi","stream":true})");
  EXPECT_TRUE(stream.failed.has_value());
  EXPECT_EQ(stream.status, 200);
  EXPECT_TRUE(stream.body.contains("\"text\":\""));
  EXPECT_FALSE(stream.body.contains("[DONE]"));
  Call whole;
  post(whole, kText, R"({"prompt":"hi"})");
  EXPECT_TRUE(whole.failed.has_value());
}

TEST_F(Sim, AnswersWithAnErrorOnDemand) {
  open();
  fault(R"({"fault":"error"})");
  Call call;
  post(call, kChat, R"({"messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(call.status, 503);
  EXPECT_EQ(call.fields.find("retry-after"), "1");
}

TEST_F(Sim, SpoilsItsMetrics) {
  open();
  fault(R"({"fault":"metrics-garbage"})");
  Call garbage;
  EXPECT_EQ(get(garbage, "/metrics").status, 200);
  EXPECT_FALSE(garbage.body.contains("# TYPE"));

  fault(R"({"fault":"metrics-endless"})");
  {
    Call endless;
    start(endless, "GET", "/metrics", {});
    EXPECT_TRUE(loop_.run_until([&] { return endless.body.size() > 1'000'000; }));
    EXPECT_FALSE(endless.over());
  }

  fault(R"({"fault":"metrics-hang"})");
  Call hanging;
  start(hanging, "GET", "/metrics", {});
  EXPECT_FALSE(loop_.run_until([&] { return hanging.over(); }, 50ms));
  Call health;
  EXPECT_EQ(get(health, "/health").status, 200);
  fault(R"({"fault":"clear"})");
  finish(hanging);
  EXPECT_TRUE(hanging.body.contains("# TYPE vllm:num_requests_running gauge"));
}

TEST_F(Sim, SaysWhichFaultsAreOnAndWhichDoNotExist) {
  open();
  fault(R"({"fault":"slow","factor":4})");
  Call state;
  EXPECT_EQ(get(state, "/sim/faults").body, R"({"slow":4.0})");
  Call nonsense;
  EXPECT_EQ(post(nonsense, "/sim/faults", R"({"fault":"x"})").status, 400);
  Call nobody;
  EXPECT_EQ(post(nobody, "/sim/faults", R"({"fault":"slow","server":7})").status, 404);
}

}  // namespace
}  // namespace pointsman
