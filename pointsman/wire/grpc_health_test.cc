#include "pointsman/wire/grpc_health.h"

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/base/proto_wire.h"
#include "pointsman/wire/grpc_connection.h"
#include "pointsman/wire/testing/http2_client.h"

namespace pointsman {
namespace {

struct Answer {
  std::string body;  // without the five bytes of framing
  std::string status;
  std::string message;
};

Answer ask(const std::string& method, const std::string& request) {
  GrpcRoutes routes;
  add_health(routes,
             [](std::string_view service) {
               if (service == "up") return Serving::serving;
               return service.empty() ? Serving::not_serving : Serving::service_unknown;
             },
             {"up", ""});
  BytePool pool;
  GrpcConnection server(routes, {}, pool, [] {});
  Http2Client client;
  const std::int32_t id = client.post("/grpc.health.v1.Health/" + method);
  client.write(id, std::string(4, '\0') + static_cast<char>(request.size()) + request, true);
  EXPECT_TRUE(client.settle(server, Clock::time_point{}));
  Http2Client::Answer& answer = client.answer(id);
  return {answer.body.empty() ? "" : answer.body.substr(5), answer.fields["grpc-status"],
          answer.fields["grpc-message"]};
}

TEST(GrpcHealth, ChecksTheServiceAskedFor) {
  EXPECT_EQ(ask("Check", "\x0a\x02up").body, "\x08\x01");
  EXPECT_EQ(ask("Check", "").body, "\x08\x02");
  EXPECT_EQ(ask("Check", "\x0a\x05other").body, "\x08\x03");
  EXPECT_EQ(ask("Check", "\x0a\x05other").status, "0");
}

TEST(GrpcHealth, RefusesWhatIsNoRequest) {
  EXPECT_EQ(ask("Check", "\x0a\x7f").status, "13");
}

TEST(GrpcHealth, ListsTheServices) {
  EXPECT_EQ(ask("List", "").body, std::string("\x0a\x08\x0a\x02up\x12\x02\x08\x01") +
                                      std::string("\x0a\x06\x0a\x00\x12\x02\x08\x02", 8));
}

TEST(GrpcHealth, DoesNotWatchUnlessItMay) {
  const Answer answer = ask("Watch", "");
  EXPECT_EQ(answer.status, "12");
  EXPECT_EQ(answer.message, "Watch is not implemented");
}

constexpr std::string_view kServing("\0\0\0\0\2\x08\x01", 7);
constexpr std::string_view kNotServing("\0\0\0\0\2\x08\x02", 7);
constexpr std::string_view kServiceUnknown("\0\0\0\0\2\x08\x03", 7);

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += part;
  return all;
}

// Services whose state a test sets, and a client that watches them.
class Watched {
 public:
  Watched() {
    add_health(routes_, state_, {}, &watches);
    server_.emplace(routes_, GrpcLimits{.http2 = {.max_concurrent_streams = 2000}}, pool_, [] {});
  }

  std::int32_t watch(std::string_view service, bool end = true) {
    const std::int32_t id = client.post("/grpc.health.v1.Health/Watch");
    std::string request;
    if (!service.empty()) {
      request.resize(bytes_field_size(1, service.size()));
      ProtoWriter(request.data()).bytes(1, service);
    }
    std::string prefix(3, '\0');
    prefix += static_cast<char>(request.size() >> 8U);
    prefix += static_cast<char>(request.size());
    client.write(id, prefix + request, end);
    settle();
    return id;
  }
  void settle() { EXPECT_TRUE(client.settle(*server_, Clock::time_point{})); }
  void now(std::map<std::string, Serving, std::less<>> states) {
    states_ = std::move(states);
    watches.look();
    settle();
  }
  std::string status(std::int32_t id) { return client.answer(id).fields["grpc-status"]; }

 private:
  std::map<std::string, Serving, std::less<>> states_{{"", Serving::serving}};
  HealthState state_ = [this](std::string_view service) {
    const auto known = states_.find(service);
    return known == states_.end() ? Serving::service_unknown : known->second;
  };
  GrpcRoutes routes_;
  BytePool pool_;

 public:
  HealthWatches watches{state_};
  Http2Client client;

 private:
  std::optional<GrpcConnection> server_;  // goes first: its calls end in `watches`
};

TEST(GrpcHealth, TellsAWatchTheStateAtOnceAndThenEachChange) {
  Watched rig;
  const auto all = rig.watch("");
  const auto one = rig.watch("one");
  EXPECT_EQ(rig.client.answer(all).body, kServing);
  EXPECT_EQ(rig.client.answer(one).body, kServiceUnknown);
  rig.now({{"", Serving::serving}, {"one", Serving::serving}});
  rig.now({{"", Serving::serving}, {"one", Serving::serving}});
  rig.now({{"", Serving::not_serving}});
  EXPECT_EQ(rig.client.answer(all).body, joined({kServing, kNotServing}));
  EXPECT_EQ(rig.client.answer(one).body, joined({kServiceUnknown, kServing, kServiceUnknown}));
  EXPECT_EQ(rig.status(all) + rig.status(one), "") << "a watch stays open";
  rig.client.reset(all);
  rig.settle();
  EXPECT_EQ(rig.watches.size(), 1U);
}

TEST(GrpcHealth, EndsWatchesWhenItIsToldTo) {
  Watched rig;
  const auto before = rig.watch("", false);
  rig.watches.end();
  rig.settle();
  EXPECT_EQ(rig.status(before), "14");
  EXPECT_EQ(rig.watches.size(), 0U);
  const auto after = rig.watch("");
  EXPECT_EQ(rig.client.answer(after).body, kServing);
  EXPECT_EQ(rig.status(after), "14");
}

TEST(GrpcHealth, BoundsWatches) {
  Watched rig;
  EXPECT_EQ(rig.status(rig.watch(std::string(HealthWatches::kLongestName + 1, 'x'))), "3");
  for (std::size_t i = 0; i < HealthWatches::kMost; ++i) rig.watch("");
  EXPECT_EQ(rig.status(rig.watch("")), "8");
  EXPECT_EQ(rig.watches.size(), HealthWatches::kMost);
}

TEST(GrpcHealth, RefusesAWatchWithoutOneRequest) {
  Watched rig;
  const auto none = rig.client.post("/grpc.health.v1.Health/Watch");
  rig.client.write(none, "", true);
  rig.settle();
  EXPECT_EQ(rig.status(none), "13");
  const auto two = rig.watch("", false);
  rig.client.write(two, std::string(5, '\0'), true);
  rig.settle();
  EXPECT_EQ(rig.status(two), "13");
  EXPECT_EQ(rig.watches.size(), 0U);
}

}  // namespace
}  // namespace pointsman
