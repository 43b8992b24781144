#include "pointsman/fleet/metric_spec.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

MetricSpec spec(std::string_view text) {
  const auto parsed = MetricSpec::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << parsed.error().message;
  return parsed && *parsed ? **parsed : MetricSpec{};
}

std::string problem(std::string_view text) {
  const auto parsed = MetricSpec::parse(text);
  return parsed ? "none" : parsed.error().message;
}

TEST(MetricSpec, IsOffWhenEmpty) {
  const auto parsed = MetricSpec::parse("");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_FALSE(parsed->has_value());
}

TEST(MetricSpec, MayBeANameAlone) {
  for (const std::string_view text : {"my_metric", "my_metric ", "  my_metric  ", "my_metric{}"}) {
    EXPECT_EQ(spec(text), (MetricSpec{"my_metric", {}})) << text;
  }
  EXPECT_EQ(spec("vllm:kv_cache_usage_perc").name, "vllm:kv_cache_usage_perc");
}

TEST(MetricSpec, MayHaveLabels) {
  const Labels one{{"label1", "value1"}};
  EXPECT_EQ(spec("my_metric{label1=value1}").labels, one);
  EXPECT_EQ(spec("my_metric{label1=\"value1\"}").labels, one);
  const Labels two{{"label1", "value1"}, {"label2", "value2"}};
  EXPECT_EQ(spec("my_metric{label1=value1,label2=value2}").labels, two);
  EXPECT_EQ(spec("  my_metric  {  label1  =  value1  ,  label2  =  value2  }  ").labels, two);
  EXPECT_EQ(spec("m{a=\"\"}").labels, (Labels{{"a", ""}}));
}

TEST(MetricSpec, MayQuoteWhatWouldEndAValue) {
  EXPECT_EQ(spec("m{a=\"x,y\",b=\"}\",c=\"i=j\"}").labels,
            (Labels{{"a", "x,y"}, {"b", "}"}, {"c", "i=j"}}));
}

TEST(MetricSpec, IsRefusedWithTheWholeTextWhenItHasNoStructure) {
  for (const std::string_view text :
       {"my_metric{label1=value1", "my_metriclabel1=value1}", "my_metric{label=val}extra",
        "{label=val}", "1m", "a b", "  ", "m}", "m{", "a-b"}) {
    EXPECT_EQ(problem(text), "not a valid metric specification: \"" + std::string(text) + "\"");
  }
}

TEST(MetricSpec, IsRefusedWithThePairThatIsWrong) {
  const auto wrong = [](std::string_view pair) {
    const std::string text = "my_metric{" + std::string(pair) + "}";
    return problem(text) ==
           "invalid label pair \"" + std::string(pair) + "\" in specification: \"" + text + "\"";
  };
  for (const std::string_view pair : {"label1", "=value1", "label1=", "=", "a!=b", "a=~b", "a!~b",
                                      "1a=b", "a=b c", "a=}", "a:b=c"}) {
    EXPECT_TRUE(wrong(pair)) << pair;
  }
  EXPECT_EQ(problem("my_metric{  =  }"),
            "invalid label pair \"=\" in specification: \"my_metric{  =  }\"");
  EXPECT_EQ(problem("m{a=b,}"), "invalid label pair \"\" in specification: \"m{a=b,}\"");
  EXPECT_EQ(problem("m{a=\"b}"), "invalid label pair \"a=\\\"b\" in specification: \"m{a=\\\"b}\"");
}

TEST(MetricSpec, MatchesSamplesThatHaveItsLabelsAndMaybeMore) {
  const std::array<MetricLabel, 2> labels{{{"labelA", "A1"}, {"labelB", ""}}};
  MetricSample sample;
  sample.labels = labels;
  EXPECT_TRUE(spec("m").matches(sample));
  EXPECT_TRUE(spec("m{labelA=A1}").matches(sample));
  EXPECT_TRUE(spec("m{labelA=A1,labelB=\"\"}").matches(sample));
  EXPECT_FALSE(spec("m{labelA=A2}").matches(sample));
  EXPECT_FALSE(spec("m{labelC=\"\"}").matches(sample));
}

}  // namespace
}  // namespace pointsman
