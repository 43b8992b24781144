#include "pointsman/wire/grpc_health.h"

#include <string>

#include <gtest/gtest.h>

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

TEST(GrpcHealth, DoesNotWatch) {
  const Answer answer = ask("Watch", "");
  EXPECT_EQ(answer.status, "12");
  EXPECT_EQ(answer.message, "Watch is not implemented");
}

}  // namespace
}  // namespace pointsman
