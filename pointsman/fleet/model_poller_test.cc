#include "pointsman/fleet/model_poller.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/fleet/model_board.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/listener.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;

// A server of one list of models, and what it was asked.
struct Server {
  explicit Server(Loop& loop, std::string list)
      : page(std::move(list)),
        http(loop, {},
             [this](std::unique_ptr<HttpExchange> e) {
               ++asked;
               authorization = e->head().fields.find("authorization").value_or("");
               EXPECT_EQ(e->head().target, "/v1/models");
               ResponseHead head{.status = status};
               e->respond(std::move(head), page);
             }),
        listener(*Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                                 {{loop, [this](auto s) { http.serve(std::move(s)); }}})) {}

  Endpoint endpoint(std::uint32_t key) const {
    Endpoint e;
    e.name = "e" + std::to_string(key);
    e.address = "127.0.0.1";
    e.port = listener->address().port;
    e.key = {key};
    e.complete();
    return e;
  }

  std::string page;
  int status = 200;
  int asked = 0;
  std::string authorization;
  HttpServer http;
  std::unique_ptr<Listener> listener;
};

struct Bench {
  Loop loop;
  std::map<std::uint32_t, std::vector<ServedModel>> told;
  int times = 0;
  ModelPoller poller{loop,
                     {.interval = milliseconds(20),
                      .first_wait = milliseconds(5),
                      .tls = {},
                      .key = [] { return std::string("secret"); }},
                     [this](EndpointKey key, std::vector<ServedModel> models) {
                       told[key.value] = std::move(models);
                       ++times;
                     }};
};

TEST(ModelPoller, AsksAgainAndAgainWithTheKey) {
  Bench bench;
  Server server(bench.loop, R"({"data":[{"id":"m1"}]})");
  bench.poller.set_endpoints({server.endpoint(1)});
  ASSERT_TRUE(bench.loop.run_until([&] { return bench.times >= 1; }));
  EXPECT_EQ(bench.told[1][0].name, "m1");
  EXPECT_EQ(server.authorization, "Bearer secret");
  server.page = R"({"data":[{"id":"m1"},{"id":"m2"}]})";
  ASSERT_TRUE(bench.loop.run_until([&] { return bench.told[1].size() == 2; }));
}

TEST(ModelPoller, TriesAgainAfterAFailureAndKeepsWhatWasTold) {
  Bench bench;
  Server server(bench.loop, "not JSON");
  bench.poller.set_endpoints({server.endpoint(1)});
  ASSERT_TRUE(bench.loop.run_until([&] { return server.asked >= 2; }));
  server.page = R"({"data":[{"id":"m"}]})";
  server.status = 500;
  ASSERT_TRUE(bench.loop.run_until([&] { return server.asked >= 4; }));
  EXPECT_EQ(bench.times, 0);
  server.status = 200;
  ASSERT_TRUE(bench.loop.run_until([&] { return bench.times >= 1; }));
}

// The lines that a pipe has taken.
std::string lines_of(int fd) {
  std::array<char, 4096> text{};
  const ssize_t size = ::read(fd, text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST(ModelPoller, TellsOnceThatAnEndpointCannotBeAskedAndThatItCanAgain) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK), 0);
  Log log(ends[1]);
  Loop loop;
  Server server(loop, R"({"data":[{"id":"m"}]})");
  server.status = 404;
  int told = 0;
  ModelPoller poller(loop,
                     {.interval = milliseconds(10),
                      .first_wait = milliseconds(1),
                      .tls = {},
                      .key = nullptr,
                      .log = Logger(log)},
                     [&](EndpointKey, const std::vector<ServedModel>&) { ++told; });
  poller.set_endpoints({server.endpoint(1)});
  ASSERT_TRUE(loop.run_until([&] { return server.asked >= 6; }));
  const std::string lines = lines_of(ends[0]);
  EXPECT_EQ(std::ranges::count(lines, '\n'), 1) << lines;
  EXPECT_TRUE(lines.contains(R"("msg":"models cannot be read")")) << lines;
  EXPECT_TRUE(lines.contains(R"("error":"status 404")")) << lines;
  server.status = 200;
  ASSERT_TRUE(loop.run_until([&] { return told >= 2; }));
  const std::string again = lines_of(ends[0]);
  EXPECT_EQ(std::ranges::count(again, '\n'), 1) << again;
  EXPECT_TRUE(again.contains(R"("msg":"models can be read again")")) << again;
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ModelPoller, DoesNotAskWhomALabelAnswersFor) {
  Bench bench;
  const Server server(bench.loop, R"({"data":[]})");
  Endpoint labelled = server.endpoint(1);
  labelled.labels = {{"models", "a, b"}};
  bench.poller.set_endpoints({labelled, server.endpoint(2)});
  ASSERT_TRUE(bench.loop.run_until([&] { return bench.times >= 2; }));
  EXPECT_FALSE(bench.told.contains(1));
  EXPECT_EQ(labelled_models(labelled), (std::vector<std::string>{"a", "b"}));
}

TEST(ModelBoard, MakesOneTableOfLabelsAndOfWhatWasTold) {
  ModelBoard board;
  std::vector<Endpoint> endpoints(3);
  for (std::uint32_t i = 0; i < 3; ++i) endpoints[i].key = {i + 1};
  endpoints[2].labels = {{"model", "m2"}};
  EXPECT_TRUE(board.told({1}, {{"m1", "{1}"}, {"m2", "{2}"}}));
  EXPECT_FALSE(board.told({1}, {{"m1", "{1}"}, {"m2", "{2}"}}));
  EXPECT_TRUE(board.told({9}, {{"gone", ""}}));
  const auto table = board.table(endpoints);
  EXPECT_EQ(table->known, (std::vector<std::uint8_t>{1, 0, 1}));
  ASSERT_EQ(table->models.size(), 2U);
  EXPECT_EQ(table->find("m2")->served, (std::vector<std::uint8_t>{1, 0, 1}));
  EXPECT_EQ(table->find("m1")->card, "{1}");
  EXPECT_EQ(table->find("gone"), nullptr);
  EXPECT_TRUE(board.told({9}, {{"gone", ""}}));  // was forgotten
}

}  // namespace
}  // namespace pointsman
