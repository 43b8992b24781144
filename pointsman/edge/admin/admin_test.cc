#include "pointsman/edge/admin/admin.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/gzip.h"
#include "pointsman/stage/testing/scene.h"
#include "pointsman/telemetry/process_metrics.h"
#include "pointsman/wire/listener.h"

namespace pointsman {
namespace {

// A connection that says it comes from somewhere else.
class StreamFrom final : public Stream {
 public:
  StreamFrom(std::unique_ptr<Stream> under, const Address& peer)
      : under_(std::move(under)), peer_(peer) {}

  void when_readable(Ready ready) override { under_->when_readable(std::move(ready)); }
  void ignore_readable() override { under_->ignore_readable(); }
  void when_writable(Ready ready) override { under_->when_writable(std::move(ready)); }
  Result<ReadResult> read(std::span<char> into) override { return under_->read(into); }
  Result<std::size_t> write(std::span<const std::string_view> parts) override {
    return under_->write(parts);
  }
  void finish() override { under_->finish(); }
  void close(bool reset) override { under_->close(reset); }
  bool open() const override { return under_->open(); }
  const Address& peer() const override { return peer_; }
  std::string_view alpn() const override { return under_->alpn(); }
  Loop& loop() override { return under_->loop(); }

 private:
  std::unique_ptr<Stream> under_;
  Address peer_;
};

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
};

// An admin port over an empty router; a test fills in what it asks for.
struct Admin {
  Metrics metrics;
  DecisionRing decisions;
  TapHub taps{decisions};
  Published<Fleet> fleets{testing::fleet_of({{.name = "pod-a", .waiting = 7}})};
  bool ready = true;
  std::string host = "localhost:9090";
  Address peer = *Address::parse("127.0.0.1", 1);
  Loop loop;
  AdminServer server{loop,
                     {.metrics = metrics,
                      .decisions = decisions,
                      .taps = taps,
                      .fleets = fleets,
                      .ready = [this] { return ready; },
                      .plugin_state = [] { return std::string(R"({"plugins":{}})"); }}};
  std::unique_ptr<Listener> listener =
      *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                      {{loop, [this](std::unique_ptr<Stream> stream) {
                          server.serve(std::make_unique<StreamFrom>(std::move(stream), peer));
                        }}});

  // Puts a decision into the ring; gives its id.
  std::uint64_t decide(const std::string& model) {
    const auto decision = decisions.fresh();
    decision->model = decision->target_model = model;
    decision->fleet = std::make_shared<const Fleet>();
    decision->plan = std::make_shared<const Plan>();
    decisions.keep(decision);
    return decision->id;
  }

  // What comes back until the server closes.
  std::string exchange(const std::string& request) {
    std::unique_ptr<Stream> client;
    const auto connecting =
        connect(loop, listener->address(), {}, [&](auto stream) { client = *std::move(stream); });
    EXPECT_TRUE(loop.run_until([&] { return client != nullptr; }));
    const std::string_view bytes = request;
    EXPECT_EQ(client->write(std::span(&bytes, 1)), bytes.size());
    std::string got;
    EXPECT_TRUE(loop.run_until([&] {
      for (;;) {
        const auto read = client->read(loop.scratch());
        if (!read || read->end) return true;
        if (read->bytes == 0) break;
        got.append(loop.scratch().data(), read->bytes);
      }
      client->when_readable([] {});
      return false;
    })) << request;
    return got;
  }

  Answer ask(const std::string& target, const std::string& method = "GET") {
    const std::string got = exchange(method + " " + target + " HTTP/1.1\r\nhost: " + host +
                                     "\r\nconnection: close\r\n\r\n");
    const std::size_t end = got.find("\r\n\r\n");
    if (!got.starts_with("HTTP/1.1 ") || end == std::string::npos) return {};
    return {std::stoi(got.substr(9, 3)), got.substr(0, end + 2), got.substr(end + 4)};
  }
  int status(const std::string& target) { return ask(target).status; }
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Admin, ShowsMetricsAsPrometheusReadsThem) {
  Admin admin;
  MetricShard& shard = admin.metrics.add_shard();
  shard.add(shard.with(metric::kBuild, "c", "b"), 1.0);
  const Answer answer = admin.ask("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_TRUE(answer.body.contains("llm_d_epp_info{build_ref=\"b\",commit=\"c\"} 1\n"));
}

TEST(Admin, IsHealthyAlwaysAndReadyWhenItsSourceSaysSo) {
  Admin admin;
  EXPECT_EQ(admin.status("/healthz"), 200);
  EXPECT_EQ(admin.status("/readyz"), 200);
  admin.ready = false;
  EXPECT_EQ(admin.status("/healthz"), 200);
  const Answer answer = admin.ask("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "not ready: draining\n");
}

TEST(Admin, ShowsTheNewestEndpoints) {
  Admin admin;
  const Answer before = admin.ask("/endpoints");
  EXPECT_EQ(before.status, 200);
  EXPECT_TRUE(before.head.contains("Content-Type: application/json\r\n"));
  EXPECT_TRUE(before.body.contains("pod-a"));
  admin.fleets.publish(testing::fleet_of({{.name = "pod-b"}}));
  const Answer after = admin.ask("/endpoints");
  EXPECT_TRUE(after.body.contains("pod-b"));
  EXPECT_FALSE(after.body.contains("pod-a"));
}

TEST(Admin, ListsDecisionsNewestFirst) {
  Admin admin;
  EXPECT_EQ(admin.ask("/decisions").body, "{\"decisions\":[]}\n");
  for (int i = 0; i < 30; ++i) admin.decide("model-" + std::to_string(i) + "-");
  const auto listed = [&](const std::string& query) {
    const Answer answer = admin.ask("/decisions" + query);
    EXPECT_EQ(answer.status, 200) << query;
    return answer.body;
  };
  EXPECT_EQ(count(listed(""), "\"id\""), 20U);
  EXPECT_EQ(count(listed("?limit="), "\"id\""), 20U);
  EXPECT_EQ(count(listed("?limit=25"), "\"id\""), 25U);
  EXPECT_EQ(count(listed("?other=1&limit=2&x"), "\"id\""), 2U);
  EXPECT_EQ(count(listed("?limits=2"), "\"id\""), 20U);
  EXPECT_EQ(count(listed("?limit=1000000"), "\"id\""), 30U);
  const std::string two = listed("?limit=2");
  EXPECT_LT(two.find("model-29-"), two.find("model-28-"));
}

TEST(Admin, WantsASensibleLimit) {
  Admin admin;
  for (const char* bad : {"0", "-1", "abc", "3x", "99999999999999999999999", "%31"}) {
    EXPECT_EQ(admin.status(std::string("/decisions?limit=") + bad), 400) << bad;
  }
}

TEST(Admin, ShowsOneDecisionByIdOrTheLast) {
  Admin admin;
  EXPECT_EQ(admin.status("/decisions/last"), 404);
  const std::string first = decision_id_text(admin.decide("first-model"));
  admin.decide("second-model");
  const Answer found = admin.ask("/decisions/" + first);
  EXPECT_EQ(found.status, 200);
  EXPECT_TRUE(found.body.contains("first-model"));
  EXPECT_TRUE(found.body.contains(first));
  EXPECT_TRUE(admin.ask("/decisions/last").body.contains("second-model"));
  EXPECT_EQ(admin.status("/decisions/" + decision_id_text(42)), 404);
  for (const std::string& bad :
       {std::string(), std::string("1"), first + "0", std::string("last/"), "0x" + first.substr(2),
        "+" + first.substr(1), std::string("../../../metrics")}) {
    EXPECT_EQ(admin.status("/decisions/" + bad), 400) << bad;
  }
}

TEST(Admin, TellsOfRequestsOnlyOnThisMachine) {
  Admin admin;
  const std::string id = decision_id_text(admin.decide("secret-model"));
  const std::vector<std::string> private_pages{"/endpoints",         "/decisions",
                                               "/decisions?limit=1", "/decisions/last",
                                               "/decisions/" + id,   "/decisions/nonsense"};
  for (const char* far :
       {"10.0.0.9", "126.0.0.1", "128.0.0.1", "::2", "fe80::1", "1::1", "::ffff:10.0.0.9"}) {
    admin.peer = *Address::parse(far, 1);
    for (const std::string& page : private_pages) {
      const Answer answer = admin.ask(page);
      EXPECT_EQ(answer.status, 403) << far << page;
      EXPECT_FALSE(answer.body.contains("secret")) << far << page;
    }
    for (const char* page : {"/metrics", "/healthz", "/readyz"}) {
      EXPECT_EQ(admin.status(page), 200) << far << page;
    }
  }
  for (const char* near : {"127.0.0.1", "127.8.9.10", "::1"}) {
    admin.peer = *Address::parse(near, 1);
    EXPECT_EQ(admin.status("/decisions/" + id), 200) << near;
    EXPECT_EQ(admin.status("/endpoints"), 200) << near;
  }
}

TEST(Admin, ShowsAPageOfAnotherSiteNothing) {
  Admin admin;
  for (const char* host : {"evil.example", "evil.example:9090", "localhost.evil.example", "x"}) {
    admin.host = host;
    for (const char* page : {"/endpoints", "/decisions", "/debug/plugins/state", "/tap"}) {
      const Answer answer = admin.ask(page);
      EXPECT_EQ(answer.status, 403) << host << page;
      EXPECT_TRUE(answer.body.contains("ask for localhost or an IP address")) << host << page;
    }
    EXPECT_EQ(admin.status("/metrics"), 200);
    EXPECT_EQ(admin.status("/readyz"), 200);
  }
  std::array<char, 256> own{};
  ASSERT_EQ(::gethostname(own.data(), own.size() - 1), 0);
  for (const std::string host : {"127.0.0.1", "127.0.0.1:9090", "[::1]:9090", "LocalHost",
                                 "192.0.2.1", static_cast<const char*>(own.data())}) {
    admin.host = host;
    EXPECT_EQ(admin.status("/endpoints"), 200) << host;
  }
}

TEST(Admin, NamesItsPagesToWhoAsksForAnother) {
  Admin admin;
  for (const char* page :
       {"/", "/metrics/", "/metricsx", "/decisionsx", "/endpoints/pod-a", "/debug/pprof/"}) {
    const Answer answer = admin.ask(page);
    EXPECT_EQ(answer.status, 404) << page;
    EXPECT_TRUE(answer.body.contains("/debug/plugins/state")) << page;
    EXPECT_TRUE(answer.body.contains("/decisions/<id>")) << page;
  }
}

TEST(Admin, CompressesThePageOfMetricsForWhoAsks) {
  Admin admin;
  add_process_metrics(admin.metrics);
  const auto page = [&admin](const std::string& accepts) {
    return admin.exchange(
        "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept-encoding: " + accepts +
        "\r\n\r\n");
  };
  for (const char* accepts : {"gzip", "br;q=1.0, GZIP;q=0.5", "deflate, gzip"}) {
    const std::string answer = page(accepts);
    EXPECT_TRUE(answer.contains("Content-Encoding: gzip\r\n")) << accepts;
    const std::string_view body = std::string_view(answer).substr(answer.find("\r\n\r\n") + 4);
    std::string plain(gunzipped_size(body, 1'000'000).value(), ' ');
    ASSERT_TRUE(gunzip(body, plain)) << accepts;
    EXPECT_TRUE(plain.contains("\nprocess_open_fds ")) << accepts;
  }
  for (const char* accepts : {"identity", "gzip;q=0", "br, gzip; q=0.0", ""}) {
    EXPECT_TRUE(page(accepts).contains("\nprocess_open_fds ")) << accepts;
  }
}

TEST(Admin, AnswersHeadWithoutABody) {
  Admin admin;
  const Answer head = admin.ask("/healthz", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.head.contains("Content-Length: 3\r\n")) << head.head;
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(admin.ask("/nothing", "HEAD").status, 404);
}

TEST(Admin, ChangesNothing) {
  Admin admin;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const Answer answer = admin.ask("/metrics", method);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_TRUE(answer.head.contains("Allow: GET, HEAD\r\n")) << method;
  }
}

TEST(Admin, RefusesWhatIsNoHttp) {
  Admin admin;
  for (const char* bytes : {"NONSENSE\r\n\r\n", "GET  /metrics HTTP/1.1\r\n\r\n",
                            "GET /metrics HTTP/1.1\r\nbad header\r\n\r\n",
                            "GET /metrics HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n"
                            "host: x\r\n\r\n"}) {
    EXPECT_TRUE(admin.exchange(bytes).starts_with("HTTP/1.1 400")) << bytes;
  }
  const std::string big = "GET / HTTP/1.1\r\nx: " + std::string(70'000, 'y') + "\r\n\r\n";
  EXPECT_TRUE(admin.exchange(big).starts_with("HTTP/1.1 431"));
  EXPECT_EQ(admin.status("/healthz"), 200);
}

TEST(Admin, ShowsWhatPluginsRemember) {
  Admin admin;
  const Answer page = admin.ask("/debug/plugins/state");
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(page.head.contains("Content-Type: application/json\r\n"));
  EXPECT_EQ(page.body, "{\"plugins\":{}}\n");
  for (const char* const method : {"POST", "HEAD"}) {
    const Answer refused = admin.ask("/debug/plugins/state", method);
    EXPECT_EQ(refused.status, 405);
    EXPECT_TRUE(refused.head.contains("Allow: GET\r\n"));
  }
  EXPECT_EQ(admin.ask("/debug/plugins/state", "PUT").body, "method not allowed\n");
  admin.peer = *Address::parse("192.0.2.1", 1);
  EXPECT_EQ(admin.status("/debug/plugins/state"), 403);
}

}  // namespace
}  // namespace pointsman
