#include "pointsman/engine/request_id.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/engine/error_text.h"

namespace pointsman {
namespace {

TEST(RequestId, IsAVersion4Uuid) {
  Random random(5);
  Arena arena;
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id(make_request_id(random, arena));
    ASSERT_EQ(id.size(), 36U);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) EXPECT_EQ(id[dash], '-');
    EXPECT_EQ(id[14], '4');
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 100U);
}

TEST(QuoteJson, EscapesAsGoDoes) {
  Arena arena;
  EXPECT_EQ(quote_json("plain/model", arena), "\"plain/model\"");
  EXPECT_EQ(quote_json("a\"b\\c", arena), R"("a\"b\\c")");
  EXPECT_EQ(quote_json("\b\f\n\r\t\x01\x1f\x7f", arena), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  EXPECT_EQ(quote_json("<a>&/", arena), R"("\u003ca\u003e\u0026/")");
  EXPECT_EQ(quote_json("\u2028\u2029\u2027\u00e9", arena), "\"\\u2028\\u2029\u2027\u00e9\"");
  EXPECT_EQ(quote_json("\U0001F600\u00e9", arena), "\"\U0001F600\u00e9\"");
}

TEST(QuoteJson, ReplacesBytesThatAreNotUtf8AsGoDoes) {
  Arena arena;
  EXPECT_EQ(quote_json("a\xff\xfe"
                       "b",
                       arena),
            R"("a\ufffd\ufffdb")");
  EXPECT_EQ(quote_json("\xE2\x80", arena), R"("\ufffd\ufffd")");
  EXPECT_EQ(quote_json("\xC3<\xED\xA0\x80", arena), R"("\ufffd\u003c\ufffd\ufffd\ufffd")");
  EXPECT_EQ(quote_json("\uFFFD", arena), "\"\uFFFD\"");
}

TEST(ErrorText, IsTheReferences) {
  EXPECT_EQ(error_text({Code::bad_request, "invalid model name"}),
            "inference error: BadRequest - invalid model name");
  EXPECT_EQ(error_text({Code::bad_request, ""}), "inference error: BadRequest - ");
  EXPECT_EQ(http_status(Code::precondition_failed), 412);
  EXPECT_EQ(http_status(Code::resource_exhausted), 429);
  EXPECT_EQ(http_status(Code::unavailable), 503);
}

}  // namespace
}  // namespace pointsman
