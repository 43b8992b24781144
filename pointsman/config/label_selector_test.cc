#include "pointsman/config/label_selector.h"

#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

const LabelSelector::Labels& labels() {
  static const LabelSelector::Labels kAll = {
      {"app", "vllm"}, {"tier", "3"}, {"llm-d.ai/role", "decode"}};
  return kAll;
}

bool matches(const std::string& text) {
  const auto selector = LabelSelector::parse(text);
  EXPECT_TRUE(selector.has_value()) << text << ": " << selector.error().message;
  return selector && selector->matches(labels());
}

TEST(LabelSelector, Matches) {
  for (const char* text :
       {"", "  ", "app", "!gone", "app=vllm", "app==vllm", "app = vllm", "app!=other", "gone!=x",
        "app in (vllm, sglang)", "app notin (a,b)", "gone notin (a)", "tier>2", "tier<4",
        "llm-d.ai/role=decode", "app=vllm,tier=3,!gone"}) {
    EXPECT_TRUE(matches(text)) << text;
  }
}

TEST(LabelSelector, DoesNotMatch) {
  for (const char* text :
       {"gone", "!app", "app=other", "app!=vllm", "app=", "app in (a,b)", "app notin (vllm)",
        "tier>3", "tier<3", "app>1", "gone>1", "app=vllm,gone"}) {
    EXPECT_FALSE(matches(text)) << text;
  }
}

TEST(LabelSelector, RefusesBadText) {
  const auto problem = [](const std::string& text) {
    const auto selector = LabelSelector::parse(text);
    return selector ? "none" : selector.error().message;
  };
  for (const char* text :
       {"=x", ",", "a,,b", "a=b c", "a in b", "a in (b", "a in (b)x", "a b", "!", "!a=b", "(a)"}) {
    EXPECT_TRUE(problem(text).starts_with("unable to parse requirement: found '"))
        << text << ": " << problem(text);
  }
  EXPECT_TRUE(problem("-a=b").starts_with("key: Invalid value: \"-a\""));
  EXPECT_TRUE(problem("/a=b").starts_with("key: Invalid value"));
  EXPECT_TRUE(problem(std::string(64, 'a')).starts_with("key: Invalid value"));
  EXPECT_TRUE(problem("a=b/c").starts_with("values[0][a]: Invalid value"));
  EXPECT_TRUE(problem("a>b").contains("must be an integer"));
}

}  // namespace
}  // namespace pointsman
