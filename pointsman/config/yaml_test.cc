#include "pointsman/config/yaml.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/config/node.h"

namespace pointsman {
namespace {

std::string json(const std::string& text) {
  const auto document = read_yaml(text);
  return document ? to_json(document->root) : "error: " + to_string(document.error());
}

TEST(Yaml, ReadsBlockAndFlowCollections) {
  EXPECT_EQ(json("a: 1\nb:\n  - x\n  - {c: 2, d: [y, 'y']}\n"),
            R"({"a":1,"b":["x",{"c":2,"d":[true,"y"]}]})");
}

TEST(Yaml, ReadsJson) {
  EXPECT_EQ(json("{\"a\":[1,2.5,true,null,\"x\\n\\u00e9\\/\"],\n\t\"b\":{}}"),
            "{\"a\":[1,2.5,true,null,\"x\\n\xC3\xA9/\"],\"b\":{}}");
}

TEST(Yaml, TakesQuotedScalarsAsStrings) {
  EXPECT_EQ(json("[\"true\", '12', \"\", '~', \"0x10\"]"), R"(["true","12","","~","0x10"])");
  EXPECT_EQ(json("a: |\n  12\nb: >\n  x\n  y\n"), "{\"a\":\"12\\n\",\"b\":\"x y\\n\"}");
}

TEST(Yaml, ReadsEscapesToValidUtf8) {
  EXPECT_EQ(json(R"("\N\_\xE9\u00e9\P")"), "\"\xC2\x85\xC2\xA0\xC3\xA9\xC3\xA9\\u2029\"");
  EXPECT_EQ(json(R"({"a\N": 1})"), "{\"a\xC2\x85\":1}");
}

TEST(Yaml, AcceptsByteOrderMarkAndCarriageReturns) {
  EXPECT_EQ(json("\xEF\xBB\xBF"
                 "a: 1\r\nb: x\r\n"),
            R"({"a":1,"b":"x"})");
}

TEST(Yaml, TakesADocumentOfCommentsAsNull) {
  EXPECT_EQ(json("# nothing\n\n  # here\n"), "null");
  EXPECT_EQ(json(""), "null");
  EXPECT_EQ(json("---\n...\n"), "null");
}

TEST(Yaml, DoesNotReadASecondDocument) {
  EXPECT_EQ(json("a: 1\n---\nb: [ this is : not { yaml\n"), R"({"a":1})");
}

TEST(Yaml, ReadsAllDocumentsWhenAsked) {
  const auto documents = read_yaml_documents("a: &x 1\n---\nb: 2\nb: 3\n---\n");
  ASSERT_TRUE(documents.has_value());
  ASSERT_EQ(documents->size(), 3U);
  EXPECT_EQ(to_json((*documents)[0].root), R"({"a":1})");
  EXPECT_EQ((*documents)[1].duplicates.size(), 1U);
  EXPECT_TRUE((*documents)[2].root.is_null());
  EXPECT_TRUE(read_yaml_documents("# nothing\n")->empty());
  EXPECT_FALSE(read_yaml_documents("a: &x 1\n---\nb: *x\n").has_value());
  // The limits hold for all together.
  EXPECT_FALSE(read_yaml_documents("[1, 2]\n---\n[3, 4]\n", {.nodes = 5}).has_value());
}

TEST(Yaml, ExpandsAnchors) {
  EXPECT_EQ(json("a: &x {k: 1}\nb: *x\nc: [*x]\n"), R"({"a":{"k":1},"b":{"k":1},"c":[{"k":1}]})");
}

TEST(Yaml, MergesWithoutOverridingOwnKeys) {
  EXPECT_EQ(json("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n"),
            R"({"a":{"k":1,"l":2},"b":{"k":3,"l":2}})");
  EXPECT_EQ(json("a: &x {k: 1}\nb: &y {k: 2, m: 4}\nc: {k: 9, <<: [*x, *y]}\nd: {<<: [*x, *y]}\n"),
            R"({"a":{"k":1},"b":{"k":2,"m":4},"c":{"k":9,"m":4},"d":{"k":1,"m":4}})");
  EXPECT_EQ(json("'<<': 1"), R"({"\u003c\u003c":1})");
}

TEST(Yaml, RefusesToMergeAScalar) {
  EXPECT_EQ(json("a: 1\n<<: 2\n"),
            "error: line 2, column 5: yaml: line 2: map merge requires map or sequence of maps as "
            "the value");
}

TEST(Yaml, TurnsKeysIntoStrings) {
  EXPECT_EQ(json("{1: a, on: b, 0x10: c, 1.5: d, '2': e}"),
            R"({"1":"a","1.5":"d","16":"c","2":"e","true":"b"})");
}

TEST(Yaml, RefusesKeysThatAreNoScalars) {
  EXPECT_EQ(json("? [a]\n: 1\n"),
            "error: line 1, column 3: yaml: line 1: invalid map key of type array");
  EXPECT_EQ(json("~: 1\n"), "error: line 1, column 1: yaml: line 1: invalid map key of type null");
}

TEST(Yaml, ReportsDuplicateKeysAndKeepsTheLastValue) {
  const auto document = read_yaml("a: 1\nb:\n  k: 1\n  k: 2\na: 3\n");
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(to_json(document->root), R"({"a":3,"b":{"k":2}})");
  ASSERT_EQ(document->duplicates.size(), 2U);
  EXPECT_EQ(to_string(document->duplicates[0]), R"(line 4, column 3: key "k" already set in map)");
  EXPECT_EQ(to_string(document->duplicates[1]), R"(line 5, column 1: key "a" already set in map)");
}

TEST(Yaml, RemembersWhereValuesAndKeysWereWritten) {
  const auto document = read_yaml("a:\n  - b:  x\n");
  ASSERT_TRUE(document.has_value());
  const Member& a = document->root.members[0];
  EXPECT_EQ(a.line, 1);
  const Member& b = a.value.items[0].members[0];
  EXPECT_EQ(b.line, 2);
  EXPECT_EQ(b.column, 5);
  EXPECT_EQ(b.value.line, 2);
  EXPECT_EQ(b.value.column, 9);
}

TEST(Yaml, KeepsTheOrderOfKeys) {
  const auto document = read_yaml("z: 1\na: 2\nm: 3\n");
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->root.members[0].key, "z");
  EXPECT_EQ(document->root.members[1].key, "a");
  EXPECT_EQ(document->root.members[2].key, "m");
}

TEST(Yaml, SaysWhereTheSyntaxIsWrong) {
  const auto document = read_yaml("a: 1\nb: [1, 2\nc: 3\n");
  ASSERT_FALSE(document.has_value());
  EXPECT_GT(document.error().line, 1);
  EXPECT_TRUE(document.error().text.starts_with("yaml: line ")) << document.error().text;
}

TEST(Yaml, RefusesAnUnknownAlias) {
  const auto document = read_yaml("a: *nowhere\n");
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().line, 1);
}

}  // namespace
}  // namespace pointsman
