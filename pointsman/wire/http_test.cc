#include "pointsman/wire/http.h"

#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(HttpFields, KeepOrderAndCaseAndFindWithoutCase) {
  HttpFields fields;
  fields.add("Content-Type", "a");
  fields.add("X-One", "1");
  fields.add("x-one", "2");
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[0].name, "Content-Type");
  EXPECT_EQ(fields[2].name, "x-one");
  EXPECT_EQ(fields.find("CONTENT-TYPE"), "a");
  EXPECT_EQ(fields.find("X-ONE"), "1");
  EXPECT_EQ(fields.find("x-on"), std::nullopt);
  fields.set("X-One", "3");
  EXPECT_EQ(fields.size(), 2U);
  EXPECT_EQ(fields.find("x-one"), "3");
  EXPECT_EQ(fields.remove("nothing"), 0U);
  fields.clear();
  EXPECT_TRUE(fields.empty());
}

TEST(HttpFields, NeverLetAValuePassForAnotherField) {
  HttpFields fields;
  fields.add("x", std::string_view("a\r\nSet-Cookie: b\0c", 18));
  EXPECT_EQ(fields.find("x"), "a  Set-Cookie: b c");
}

TEST(HttpFields, FindTokensInLists) {
  HttpFields fields;
  fields.add("Connection", "keep-alive ,\tClose");
  fields.add("connection", "x-foo");
  EXPECT_TRUE(fields.has_token("connection", "close"));
  EXPECT_TRUE(fields.has_token("connection", "X-Foo"));
  EXPECT_FALSE(fields.has_token("connection", "keep"));
  EXPECT_FALSE(fields.has_token("te", "close"));
}

TEST(HttpFields, LoseWhatConcernsOneConnectionOnly) {
  HttpFields fields;
  for (const auto* name : {"Host", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
                           "Transfer-Encoding", "Upgrade", "X-Named", "Accept"}) {
    fields.add(name, std::string_view(name) == "Connection" ? "close, x-named" : "v");
  }
  remove_hop_by_hop(fields);
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(fields[0].name, "Host");
  EXPECT_EQ(fields[1].name, "Accept");
}

TEST(RequestHead, SplitsItsTarget) {
  RequestHead head{.target = "/a/b?c=d?e"};
  EXPECT_EQ(head.path(), "/a/b");
  EXPECT_EQ(head.query(), "c=d?e");
  head.target = "/a";
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.query(), "");
}

TEST(ReasonPhrase, KnowsTheUsualOnes) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(503), "Service Unavailable");
  EXPECT_EQ(reason_phrase(418), "");
}

TEST(BodyBuffer, HasZeroBytesBehindItsEnd) {
  BodyBuffer buffer;
  EXPECT_EQ(buffer.view(), "");
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    buffer.append(piece);
    expected += piece;
    ASSERT_EQ(buffer.view(), expected);
    if (!expected.empty()) {
      EXPECT_EQ(std::string_view(buffer.data() + buffer.size(), BodyBuffer::kPadding),
                std::string(BodyBuffer::kPadding, '\0'));
    }
  }
  const std::size_t capacity = buffer.capacity();
  buffer.clear();
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.recycle();
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.reserve(BodyBuffer::kKept + 1);
  buffer.recycle();
  EXPECT_EQ(buffer.capacity(), 0U);
}

TEST(RequestHead, ReadsAParameterOfItsQuery) {
  const RequestHead head{.target = "/p?limits=1&limit=2&where=a%20b&empty="};
  EXPECT_EQ(head.parameter("limit"), "2");
  EXPECT_EQ(head.parameter("where"), "a%20b");
  EXPECT_EQ(head.parameter("empty"), "");
  EXPECT_EQ(head.parameter("p"), "");
  EXPECT_EQ(RequestHead{.target = "/p"}.parameter("limit"), "");
}

}  // namespace
}  // namespace pointsman
