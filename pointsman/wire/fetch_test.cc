// fetch(), and a client that is not ours.

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/listener.h"

namespace pointsman {
namespace {

using ExchangePtr = std::unique_ptr<HttpExchange>;

// A server on a thread of its own, since fetch() blocks.
struct Elsewhere {
  explicit Elsewhere(std::shared_ptr<TlsContext> tls = nullptr) {
    workers.run_on(0, [&](Loop& loop) {
      server = std::make_unique<HttpServer>(loop, HttpServerOptions{}, [](ExchangePtr exchange) {
        exchange->respond(exchange->head().path() == "/nope" ? 404 : 200,
                          exchange->head().method + " " + exchange->head().target);
      });
      listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {.tls = std::move(tls)},
                                 {{loop, [this](auto s) { server->serve(std::move(s)); }}});
    });
  }
  ~Elsewhere() {
    workers.run_on(0, [&](Loop&) {
      listener.reset();
      server.reset();
    });
  }
  std::string at(const std::string& path) const { return listener->address().text() + path; }

  Workers workers{1};
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<Listener> listener;
};

TEST(Fetch, BringsAnAnswerOrAReason) {
  const Elsewhere site;
  const auto answer = fetch("http://" + site.at("/a/b?c"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->head.status, 200);
  EXPECT_EQ(answer->body, "GET /a/b?c\n");
  EXPECT_EQ(fetch(site.at("/nope"))->head.status, 404);
  EXPECT_EQ(fetch(site.at(""), {.method = "POST", .body = "x"})->body, "POST /\n");
  EXPECT_EQ(fetch(site.at(""), {.max_body = 3}).error().code, Code::too_large);
  EXPECT_EQ(fetch("ftp://x").error().code, Code::invalid_config);
}

TEST(Fetch, SpeaksTls) {
  const Elsewhere site(*TlsContext::server({}));
  EXPECT_EQ(fetch("https://" + site.at("/x"), {.verify = false})->body, "GET /x\n");
  EXPECT_FALSE(fetch("https://" + site.at("/x")).has_value());
}

std::string output_of(const std::string& command) {
  std::string out;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe)) {
    out.append(piece.data(), got);
  }
  ::pclose(pipe);
  return out;
}

TEST(Curl, GetsAnswersPlainAndSecured) {
  const Elsewhere plain;
  const std::string base = "http://" + plain.at("");
  EXPECT_EQ(output_of("curl -s " + base + "/a " + base + "/b"), "GET /a\nGET /b\n");
  EXPECT_EQ(output_of("head -c 3000000 /dev/zero | curl -s --data-binary @- " + base + "/c"),
            "POST /c\n");
  EXPECT_EQ(output_of("head -c 100000 /dev/zero | curl -s -H 'Transfer-Encoding: chunked' "
                      "--data-binary @- " +
                      base + "/d " + base + "/e"),
            "POST /d\nPOST /e\n");
  EXPECT_EQ(output_of("curl -s -0 " + base + "/f"), "GET /f\n");
  EXPECT_NE(output_of("curl -sI " + base + "/g").find("Content-Length: 8\r\n"), std::string::npos);
  const Elsewhere secured(*TlsContext::server({.alpn = {"h2", "http/1.1"}}));
  EXPECT_EQ(output_of("curl -sk --http1.1 https://" + secured.at("/h")), "GET /h\n");
  EXPECT_NE(output_of("curl -sS https://" + secured.at("/h")).find("self-signed"),
            std::string::npos);
}

}  // namespace
}  // namespace pointsman
