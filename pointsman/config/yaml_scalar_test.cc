#include "pointsman/config/yaml_scalar.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/config/node.h"

namespace pointsman {
namespace {

// The scalar as JSON, which shows both its kind and its value.
std::string plain(const std::string& text) {
  Node node;
  resolve_plain(text, node);
  return to_json(node);
}

TEST(PlainScalar, IsABooleanInEveryYaml11Spelling) {
  for (const char* text : {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
    EXPECT_EQ(plain(text), "true") << text;
  for (const char* text :
       {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
    EXPECT_EQ(plain(text), "false") << text;
  for (const char* text : {"yEs", "tRue", "oN", "yess", "nO"})
    EXPECT_EQ(plain(text), in_quotes(text)) << text;
}

TEST(PlainScalar, IsAnIntegerInAnyBase) {
  EXPECT_EQ(plain("0x10"), "16");
  EXPECT_EQ(plain("010"), "8");
  EXPECT_EQ(plain("0b11"), "3");
  EXPECT_EQ(plain("0o17"), "15");
  EXPECT_EQ(plain("1_000"), "1000");
  EXPECT_EQ(plain("+2"), "2");
  EXPECT_EQ(plain("-7"), "-7");
  EXPECT_EQ(plain("-0b11"), "-3");
  EXPECT_EQ(plain("0"), "0");
  EXPECT_EQ(plain("00"), "0");
  EXPECT_EQ(plain("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(plain("-9223372036854775808"), "-9223372036854775808");
}

TEST(PlainScalar, IsANumberWithAFractionOrExponent) {
  EXPECT_EQ(plain(".5"), "0.5");
  EXPECT_EQ(plain("1e-3"), "0.001");
  EXPECT_EQ(plain("3.0"), "3");
  EXPECT_EQ(plain("+1.5E2"), "150");
  EXPECT_EQ(plain("08"), "8");  // no octal number, so a decimal one
  EXPECT_EQ(plain("1."), "1");
  EXPECT_EQ(plain("99999999999999999999"), "100000000000000000000");
  EXPECT_EQ(plain("1e300"), "1e+300");
  EXPECT_EQ(plain("1e-7"), "1e-7");
}

TEST(PlainScalar, IsNullWhenEmptyOrSpelledSo) {
  for (const char* text : {"", "~", "null", "Null", "NULL"}) EXPECT_EQ(plain(text), "null") << text;
}

TEST(PlainScalar, IsAStringOtherwise) {
  for (const char* text :
       {"2026-01-01", "12:30:45", "1:30",   "0x",  "0b12",         "1__e", "-",     "+",   ".",
        "1e",         "e5",       "0x1p-2", "--1", "+-1",          "_1",   "1.2.3", "nan", "inf",
        "Infinity",   "1e999",    "10Gi",   "30s", "${MODEL_NAME}"})
    EXPECT_EQ(plain(text), in_quotes(text)) << text;
}

TEST(PlainScalar, KnowsInfinityAndNotANumber) {
  Node node;
  resolve_plain("-.inf", node);
  EXPECT_EQ(node.kind, Node::Kind::floating);
  EXPECT_LT(node.number, -1e308);
  resolve_plain(".nan", node);
  EXPECT_NE(node.number, node.number);
}

TEST(PlainScalar, KeepsItsText) {
  Node node;
  resolve_plain("1_000", node);
  EXPECT_EQ(node.text, "1_000");
}

TEST(TaggedScalar, FollowsItsTag) {
  const std::string standard = "tag:yaml.org,2002:";
  Node node;
  EXPECT_TRUE(resolve_scalar(standard + "str", "12", node));
  EXPECT_TRUE(node.is_string());
  EXPECT_TRUE(resolve_scalar("!", "true", node));
  EXPECT_TRUE(node.is_string());
  EXPECT_TRUE(resolve_scalar(standard + "int", "12", node));
  EXPECT_EQ(node.kind, Node::Kind::integer);
  EXPECT_TRUE(resolve_scalar(standard + "float", "12", node));
  EXPECT_EQ(node.kind, Node::Kind::floating);
  EXPECT_TRUE(resolve_scalar("!mine", "12", node));
  EXPECT_TRUE(node.is_string());
}

TEST(TaggedScalar, IsRefusedWhenItDoesNotFitItsTag) {
  Node node;
  EXPECT_FALSE(resolve_scalar("tag:yaml.org,2002:int", "abc", node));
  EXPECT_FALSE(resolve_scalar("tag:yaml.org,2002:bool", "1", node));
  EXPECT_FALSE(resolve_scalar("tag:yaml.org,2002:binary", "aGk=", node));
}

}  // namespace
}  // namespace pointsman
