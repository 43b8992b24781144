#include "pointsman/plugins/filters/session_affinity.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/plugins/producers/base64.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;
using Names = std::vector<std::string>;
using Given = SessionAffinityParams;

Given session_id() {
  return {.strategy = "session_id"};
}

// A filter before three endpoints, and the steps of one request after the other.
struct Bench {
  Scene scene{{{.name = "pod-a"}, {.name = "pod-b"}, {.name = "pod1", .ns = "default"}}};
  std::shared_ptr<SessionAffinityFilter> filter;
  std::vector<Header> sent;
  Decision decision;
  Samples samples;
  HeaderEdits headers;
  Effects effects{samples, headers};

  explicit Bench(const Given& params) {
    filter = testing::make<SessionAffinityFilter>(params, scene.table);
    auto plan = std::make_shared<Plan>();
    plan->profiles = {
        {.name = "decode",
         .filters = {{{"x", "before"}}, {{"x", "session-affinity-filter"}}, {{"x", "after"}}}},
        {.name = "prefill"}};
    decision.plan = plan;
    headers.reset(scene.arena);
  }

  Names route(const std::vector<Header>& request, std::vector<EndpointIndex> among = {0, 1, 2}) {
    scene.begin();
    sent = request;
    scene.request.headers = sent;
    EXPECT_TRUE(filter->produce(scene.context(), scene.all(), scene.signals));
    std::vector<Drop> drops;
    Candidates candidates(among, drops);
    filter->filter(scene.context(), candidates);
    decision.candidates.assign(candidates.list().begin(), candidates.list().end());
    return scene.names(candidates.list());
  }
  // The candidate list of the last route() was decided for `pick`.
  void send(EndpointIndex pick) {
    decision.picks = {pick, 2};
    decision.runs = {{.profile = 0,
                      .candidates = static_cast<std::uint32_t>(decision.candidates.size()),
                      .drops = static_cast<std::uint32_t>(decision.drops.size()),
                      .picks = 1},
                     {.profile = 1, .first_pick = 1, .picks = 1}};
    decision.primary = 0;
    filter->dispatched(scene.context(), decision, effects);
  }
  std::string answer() {
    headers.reset(scene.arena);
    filter->answered(scene.context(), decision, {}, effects);
    return headers.lines().empty() ? "" : std::string(headers.lines()[0].value);
  }
};

TEST(SessionAffinityFilter, TellsTheClientItsEndpointAndTakesItBack) {
  Bench bench({});
  EXPECT_EQ(bench.route({}).size(), 3U);
  bench.send(1);
  EXPECT_EQ(bench.answer(), "L3BvZC1i");
  EXPECT_EQ(bench.route({{"x-session-token", "L3BvZC1i"}}), Names{"pod-b"});
  EXPECT_EQ(bench.route({{"x-session-token", "ZGVmYXVsdC9wb2Qx"}}), Names{"pod1"});
}

TEST(SessionAffinityFilter, KeepsAllForATokenThatNamesNobody) {
  Bench bench({});
  for (const char* const token : {"L3BvZC16", "not base64!", "abc", "====", ""}) {
    EXPECT_EQ(bench.route({{"x-session-token", token}}).size(), 3U) << token;
  }
  EXPECT_EQ(bench.route({{"x-session-token", "L3BvZC1i"}}, {0, 2}).size(), 2U);
}

TEST(SessionAffinityFilter, ReadsTheHeaderItIsTold) {
  Bench bench({.encoded = {.header = "  X-Sticky "}});
  EXPECT_EQ(bench.route({{"x-sticky", "L3BvZC1i"}}), Names{"pod-b"});
}

TEST(SessionAffinityFilter, CanKeepTheEndpointOfAnotherProfile) {
  Bench bench({.profile = "prefill"});
  bench.route({});
  bench.send(1);
  EXPECT_EQ(bench.answer(), "ZGVmYXVsdC9wb2Qx");
}

TEST(SessionAffinityFilter, RemembersWhereASessionWent) {
  Bench bench(session_id());
  EXPECT_EQ(bench.route({{"x-session-id", "s"}}).size(), 3U);
  bench.send(1);
  EXPECT_EQ(bench.route({{"x-session-id", " s "}}), Names{"pod-b"});
  EXPECT_EQ(bench.route({{"x-session-id", "other"}}).size(), 3U);
  EXPECT_EQ(bench.route({{"x-session-id", "  "}}).size(), 3U);
  EXPECT_EQ(bench.answer(), "");
}

TEST(SessionAffinityFilter, MovesASessionOnlyWhenItsEndpointWasGone) {
  Bench bench(session_id());
  const std::vector<Header> headers{{"x-session-id", "s"}};
  bench.route(headers);
  bench.send(1);
  bench.route(headers);
  bench.send(0);  // somebody sent it elsewhere although pod-b was there
  EXPECT_EQ(bench.route(headers), Names{"pod-b"});
  EXPECT_EQ(bench.route(headers, {0, 2}).size(), 2U);  // pod-b is no candidate
  bench.send(0);
  EXPECT_EQ(bench.route(headers), Names{"pod-a"});
}

TEST(SessionAffinityFilter, ALaterFilterDoesNotMoveASession) {
  Bench bench(session_id());
  const std::vector<Header> headers{{"x-session-id", "s"}};
  bench.route(headers);
  bench.send(1);
  bench.route(headers);
  bench.decision.candidates = {0};
  bench.decision.drops = {{.endpoint = 1, .filter = 2, .reason = DropReason::other}};
  bench.send(0);
  EXPECT_EQ(bench.route(headers), Names{"pod-b"});
  bench.decision.candidates = {0};
  bench.decision.drops = {{.endpoint = 1, .filter = 0, .reason = DropReason::other}};
  bench.send(0);
  EXPECT_EQ(bench.route(headers), Names{"pod-a"});
}

TEST(SessionAffinityFilter, OfTwoFirstRequestsTheFirstBinds) {
  Bench bench(session_id());
  const std::vector<Header> headers{{"x-session-id", "s"}};
  bench.route(headers);  // both saw no binding
  bench.send(1);
  bench.send(0);
  EXPECT_EQ(bench.route(headers), Names{"pod-b"});
}

TEST(SessionAffinityFilter, ReadsSessionsThatAProducerFound) {
  Given params = session_id();
  params.session.sources = {{.attribute = "SessionIDDataKey", .producer = "session-id-producer"}};
  Bench bench(params);
  pointsman::Setup others({}, {}, bench.scene.table);
  const auto cell = others.writes_cell<SessionId>({"SessionIDDataKey", "session-id-producer"});
  const auto route = [&] {
    bench.scene.begin();
    bench.scene.signals.write(cell) = {.id = "s"};
    EXPECT_TRUE(
        bench.filter->produce(bench.scene.context(), bench.scene.all(), bench.scene.signals));
    bench.decision.candidates = {0, 1, 2};
    return testing::kept(*bench.filter, bench.scene);
  };
  EXPECT_EQ(route().size(), 3U);
  bench.send(1);
  EXPECT_EQ(route(), Names{"pod-b"});
}

TEST(SessionAffinityScorer, ScoresTheSessionsEndpoint) {
  Scene scene({{.name = "pod-a"}, {.name = "pod-b"}});
  const auto scorer = testing::make<SessionAffinityScorer>({}, scene.table);
  scene.begin();
  const std::vector<Header> headers{{"x-session-token", "L3BvZC1i"}};
  scene.request.headers = headers;
  EXPECT_TRUE(scorer->produce(scene.context(), scene.all(), scene.signals));
  EXPECT_EQ(testing::scores(*scorer, scene), (std::vector{0.0, 1.0}));
  scene.begin();
  EXPECT_EQ(testing::scores(*scorer, scene), (std::vector{0.0, 0.0}));
}

TEST(SessionAffinityFilter, AllocatesNothingOnceWarm) {
  Bench encoded({});
  Bench remembering(session_id());
  const std::vector<Header> headers{{"x-session-token", "L3BvZC1i"}, {"x-session-id", "s"}};
  const auto request = [&](Bench& bench) {
    bench.scene.begin();
    bench.scene.request.headers = headers;
    const Context context = bench.scene.context();
    (void)bench.filter->produce(context, {}, bench.scene.signals);
    bench.filter->dispatched(context, bench.decision, bench.effects);
    bench.headers.reset(bench.scene.arena);
    bench.filter->answered(context, bench.decision, {}, bench.effects);
  };
  for (Bench* const bench : {&encoded, &remembering}) {
    bench->route(headers);
    bench->send(1);
    request(*bench);
    const auto before = testing::allocations();
    request(*bench);
    EXPECT_EQ(testing::allocations(), before);
  }
}

TEST(SessionBindings, ForgetWhatExpiredAndStayBounded) {
  SessionBindings bindings(64);
  const auto at = [](int s) { return Clock::time_point(std::chrono::seconds(s)); };
  bindings.served("old", {1}, false, at(10));
  bindings.served("new", {1}, false, at(20));
  bindings.expire(at(15));
  EXPECT_FALSE(bindings.find("old"));
  EXPECT_TRUE(bindings.find("new"));
  for (int i = 0; i < 1000; ++i) bindings.served(std::to_string(i), {2}, false, at(30));
  EXPECT_LE(bindings.size(), 64U);
}

TEST(SessionAffinityParams, CheckTheChosenStrategyOnly) {
  EXPECT_EQ(Given::check({.strategy = "sticky"}).error().message,
            "strategy must be \"encoded_endpoint_header\" or \"session_id\", got \"sticky\"");
  Given params;
  params.session.sources = {{}};
  EXPECT_TRUE(Given::check(params));
  params.strategy = "session_id";
  EXPECT_EQ(Given::check(params).error().message,
            "sources[0]: exactly one of header or attribute must be set");
  params.session.sources = {{.header = "a"}};
  params.session.ttl_seconds = -1;
  EXPECT_FALSE(Given::check(params));
}

TEST(Base64, GoesBothWays) {
  Arena arena;
  EXPECT_EQ(base64_encode("default/prefill-pod", arena), "ZGVmYXVsdC9wcmVmaWxsLXBvZA==");
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(base64_decode(base64_encode(text, arena), arena), text);
  }
  EXPECT_FALSE(base64_decode("a=b=", arena));
  EXPECT_FALSE(base64_decode("YQ", arena));
}

}  // namespace
}  // namespace pointsman
