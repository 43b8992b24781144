#include "pointsman/wire/http1.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

constexpr HeadLimits kLimits{8192, 16};

// What becomes of a request head given in one piece: its status when refused, 200 otherwise.
int verdict(std::string_view text, RequestHead* out = nullptr) {
  HeadScanner scanner(kLimits.bytes);
  const auto head = scanner.take(text);
  if (!head) return head.error().status;
  if (head->empty()) return 0;  // not complete
  RequestHead mine;
  RequestHead& request = out != nullptr ? *out : mine;
  if (const auto good = parse_request_head(*head, kLimits, request); !good) {
    return good.error().status;
  }
  const auto framing = request_framing(request);
  return framing ? 200 : framing.error().status;
}

int with_fields(const std::string& fields) {
  return verdict("POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
}

TEST(RequestHeads, AreReadAsWritten) {
  RequestHead head;
  EXPECT_EQ(
      verdict("\r\n\r\nPOST /v1/x?y=1 HTTP/1.1\r\nHost: h\r\nX-A:  b c \t\r\nEmpty:\r\n\r\nrest",
              &head),
      200);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v1/x?y=1");
  EXPECT_EQ(head.minor, 1);
  ASSERT_EQ(head.fields.size(), 3U);
  EXPECT_EQ(head.fields[1].name, "X-A");
  EXPECT_EQ(head.fields[1].value, "b c");
  EXPECT_EQ(head.fields[2].value, "");
  EXPECT_EQ(verdict("GET / HTTP/1.0\r\n\r\n", &head), 200);
  EXPECT_EQ(head.minor, 0);
  EXPECT_EQ(verdict("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &head), 200);
}

TEST(RequestHeads, WithAWholeUrlLoseItsHostToTheHostField) {
  RequestHead head;
  EXPECT_EQ(verdict("GET http://real:8/p?q HTTP/1.1\r\nHost: other\r\n\r\n", &head), 200);
  EXPECT_EQ(head.target, "/p?q");
  EXPECT_EQ(head.fields.find("host"), "real:8");
  EXPECT_EQ(verdict("GET http://real HTTP/1.1\r\nHost: other\r\n\r\n", &head), 200);
  EXPECT_EQ(head.target, "/");
}

TEST(RequestHeads, NameAHostAndNothingElse) {
  const auto host = [](const std::string& text) {
    return verdict("GET / HTTP/1.1\r\nHost: " + text + "\r\n\r\n");
  };
  for (const auto* good : {"h", "h:", "h:80", "10.0.0.1:8000", "[::1]", "[fe80::1%25eth0]:80",
                           "a_b-c.example.", "%C3%A9", ""}) {
    EXPECT_EQ(host(good), 200) << good;
  }
  for (const auto* bad : {"a b/c?d@e", "a,b", "u@h", "u:p@h", "h/", "h?", "h#f", "h:80:80", "h:8x",
                          "::1", "[::1", "[]", "[", "]", "[::1]x", ":80", "caf\xc3\xa9"}) {
    EXPECT_EQ(host(bad), 400) << bad;
    EXPECT_EQ(verdict("GET http://" + std::string(bad) + " HTTP/1.1\r\nHost: h\r\n\r\n"),
              std::string_view(bad) == "h/" || std::string_view(bad) == "h?" ? 200 : 400)
        << bad;
  }
  EXPECT_EQ(verdict("GET HtTpS://h/x HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
}

TEST(RequestHeads, ExpectAtMostToBeToldToGoOn) {
  const auto expect = [](std::initializer_list<const char*> lines) {
    HttpFields fields;
    for (const auto* line : lines) fields.add("Expect", line);
    return expectation(fields);
  };
  EXPECT_EQ(expect({}), Expectation::none);
  EXPECT_EQ(expect({"100-Continue"}), Expectation::go_ahead);
  EXPECT_EQ(expect({"100-continue", "100-continue"}), Expectation::go_ahead);
  EXPECT_EQ(expect({"100-continue", "foo"}), Expectation::unknown);
  EXPECT_EQ(expect({"100-continue, foo"}), Expectation::unknown);
}

TEST(RequestHeads, ThatAreMalformedAreRefused) {
  const std::string host = "Host: h\r\n\r\n";
  for (const std::string& line : std::vector<std::string>{
           "GET", "GET /", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET  / HTTP/1.1",
           "GET /a b HTTP/1.1", "GET / HTTP/1.11", "GET / http/1.1", "G\x01T / HTTP/1.1",
           "GET /\x7f HTTP/1.1", "GET x HTTP/1.1", "GET * HTTP/1.1", "GET http:///x HTTP/1.1",
           "GET /# HTTP/1.1", "GET /a#b HTTP/1.1", "GET /\xc3\xa9 HTTP/1.1", "GET http: HTTP/1.1",
           "G(T / HTTP/1.1", std::string(33, 'G') + " / HTTP/1.1"}) {
    EXPECT_EQ(verdict(line + "\r\n" + host), 400) << line;
  }
  EXPECT_EQ(verdict("GET / HTTP/2.0\r\n" + host), 505);
  EXPECT_EQ(verdict("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(verdict("CONNECT h:1 HTTP/1.1\r\n" + host), 501);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400) << "two Hosts";
}

TEST(RequestHeads, WithMalformedFieldsAreRefused) {
  for (const std::string& field : std::vector<std::string>{
           "X: a\r\n b\r\n", "X: a\r\n\tb\r\n", " X: a\r\n", "X : a\r\n", ": a\r\n", "X\r\n",
           "X: a\nY: b\r\n", "X: a\rY: b\r\n", std::string("X: \0\r\n", 6), "X: \x01\r\n",
           "X: \x7f\r\n", "X(: a\r\n", "X\xc3: a\r\n"}) {
    EXPECT_EQ(with_fields(field), 400) << testing::PrintToString(field);
  }
  EXPECT_EQ(with_fields("X: caf\xc3\xa9\r\n"), 200);
}

TEST(RequestHeads, WithAmbiguousLengthAreRefused) {
  EXPECT_EQ(with_fields("Content-Length: 5\r\n"), 200);
  EXPECT_EQ(with_fields("Transfer-Encoding: Chunked\r\n"), 200);
  for (const std::string& fields : std::vector<std::string>{
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n",
           "Content-Length: -5\r\n", "Content-Length: +5\r\n", "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n", "Content-Length: \r\n",
           "Content-Length: 99999999999999999999\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_EQ(with_fields(fields), 400) << fields;
  }
  for (const std::string& fields : std::vector<std::string>{
           "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
           "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: \"chunked\"\r\n"}) {
    EXPECT_EQ(with_fields(fields), 501) << fields;
  }
  EXPECT_EQ(verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestHeads, HaveLimits) {
  EXPECT_EQ(with_fields("X: " + std::string(8100, 'a') + "\r\n"), 200);
  EXPECT_EQ(with_fields("X: " + std::string(8200, 'a') + "\r\n"), 431);
  EXPECT_EQ(verdict("GET /" + std::string(9000, 'a')), 431) << "before its end is seen";
  std::string many;
  for (int i = 0; i < 15; ++i) many += "X: a\r\n";
  EXPECT_EQ(with_fields(many), 200);
  EXPECT_EQ(with_fields(many + "X: a\r\n"), 431);
}

TEST(HeadScanner, FindsTheSameHeadHoweverTheBytesArrive) {
  const std::string text = "\r\nGET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\nGET /2 HTTP/1.0\r\n\r\n";
  const std::vector<std::string> expected{"GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n",
                                          "GET /2 HTTP/1.0\r\n\r\n"};
  Random random(3);
  for (int round = 0; round < 500; ++round) {
    HeadScanner scanner(8192);
    std::vector<std::string> heads;
    std::string held;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t piece = 1 + random.below(round % 2 == 0 ? 3 : 40);
      held += text.substr(at, piece);
      at += piece;
      std::string_view input = held;
      while (true) {
        const auto head = scanner.take(input);
        ASSERT_TRUE(head.has_value());
        if (head->empty()) break;
        heads.emplace_back(*head);
      }
      held = input;
    }
    ASSERT_EQ(heads, expected);
    EXPECT_FALSE(scanner.begun());
  }
}

TEST(HeadScanner, RefusesLoneLineFeedsHoweverTheyArrive) {
  for (const std::string text : {"GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\n\n", "\n"}) {
    HeadScanner scanner(8192);
    bool refused = false;
    for (std::size_t i = 0; i < text.size() && !refused; ++i) {
      std::string_view input = std::string_view(text).substr(i, 1);
      refused = !scanner.take(input).has_value();
    }
    EXPECT_TRUE(refused) << text;
  }
}

TEST(ResponseHeads, AreRead) {
  ResponseHead head;
  EXPECT_TRUE(parse_response_head("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n", kLimits, head));
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Found");
  EXPECT_EQ(head.fields.find("a"), "b");
  EXPECT_TRUE(parse_response_head("HTTP/1.0 200\r\n\r\n", kLimits, head));
  EXPECT_EQ(head.reason, "");
  EXPECT_EQ(head.minor, 0);
  for (const auto* text :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n", "\r\n"}) {
    EXPECT_FALSE(parse_response_head(text, kLimits, head)) << text;
  }
}

TEST(ResponseFraming, FollowsTheRules) {
  const auto kind = [](const std::string& text, std::string_view method = "GET") {
    ResponseHead head;
    EXPECT_TRUE(parse_response_head(text, kLimits, head));
    const auto framing = response_framing(head, method);
    return framing ? framing->kind : static_cast<Framing::Kind>(99);
  };
  using enum Framing::Kind;
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), length);
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), chunked);
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\n\r\n"), until_close);
  EXPECT_EQ(kind("HTTP/1.1 204 No Content\r\n\r\n"), none);
  EXPECT_EQ(kind("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), none);
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD"), none);
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"),
            static_cast<Framing::Kind>(99));
}

TEST(KeepsOpen, FollowsVersionAndConnection) {
  HttpFields fields;
  EXPECT_TRUE(keeps_open(1, fields));
  EXPECT_FALSE(keeps_open(0, fields));
  fields.add("Connection", "keep-alive");
  EXPECT_TRUE(keeps_open(0, fields));
  fields.add("Connection", "x, Close");
  EXPECT_FALSE(keeps_open(1, fields));
}

// The whole body, or "refused", or what there is and "..." if it is not complete.
std::string decoded(std::string_view text, std::size_t piece) {
  ChunkDecoder decoder;
  std::string body;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    std::string_view input = text.substr(at, piece);
    while (!input.empty()) {
      if (decoder.done()) return body + "|rest";
      const auto data = decoder.take(input);
      if (!data) return "refused";
      body += *data;
    }
  }
  return decoder.done() ? body : body + "...";
}

TEST(ChunkDecoder, ReadsTheSameBodyHoweverTheBytesArrive) {
  const std::string text =
      "5\r\nhello\r\n1;ext=\"a b\"\r\n \r\n00A ;x\r\n0123456789\r\n000\r\nTrailer: x\r\nB: "
      "c\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_EQ(decoded(text, piece), "hello 0123456789") << piece;
  }
  EXPECT_EQ(decoded("3 \r\nabc\r\n0\r\n\r\n", 1), "abc");
  EXPECT_EQ(decoded("0\r\n\r\n", 1), "");
  EXPECT_EQ(decoded("0\r\n\r\nGET", 100), "|rest");
  EXPECT_EQ(decoded("5\r\nhel", 2), "hel...");
}

TEST(ChunkDecoder, RefusesBadChunks) {
  for (const std::string& text : std::vector<std::string>{"3 x\r\nabc\r\n0\r\n\r\n",
                                                          "3\tx;\r\nabc\r\n0\r\n\r\n",
                                                          "\r\n",
                                                          "x\r\n",
                                                          "-1\r\n",
                                                          "+1\r\n",
                                                          "0x1\r\n",
                                                          "5\nhello",
                                                          "5\r\nhelloX\r\n",
                                                          "5\r\nhello\n",
                                                          "5\rhello",
                                                          ";x\r\n",
                                                          "fffffffffffffffff\r\n",
                                                          "1;a\nb\r\n",
                                                          "0\r\nX: \x01\r\n\r\n",
                                                          "0\r\n\n",
                                                          "1" + std::string(5000, ' ') + "\r\n",
                                                          "1;" + std::string(5000, 'x') + "\r\n",
                                                          std::string(5000, '0') + "\r\n",
                                                          "0\r\nX: " + std::string(9000, 'x')}) {
    EXPECT_EQ(decoded(text, text.size()), "refused") << text.substr(0, 40);
    EXPECT_EQ(decoded(text, 1), "refused") << text.substr(0, 40);
  }
}

TEST(Parsers, SurviveRandomBytes) {
  Random random(11);
  const std::string alphabet = "\r\n :;0aF/HTP1.GE\tchunked,-\x01\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 2 == 0 ? "GET / HTTP/1.1\r\n" : "";
    const auto size = random.below(80);
    for (std::size_t i = 0; i < size; ++i) text += alphabet[random.below(alphabet.size())];
    if (round % 3 == 0) text += "\r\n\r\n";
    RequestHead request;
    verdict(text, &request);
    for (std::size_t i = 0; i < request.fields.size(); ++i) {
      EXPECT_EQ(request.fields[i].value.find('\n'), std::string_view::npos);
    }
    ResponseHead response;
    std::string_view input = text;
    HeadScanner scanner(100);
    if (const auto head = scanner.take(input); head && !head->empty()) {
      static_cast<void>(parse_response_head(*head, kLimits, response));
    }
    decoded(text, 1 + random.below(9));
  }
}

}  // namespace
}  // namespace pointsman
