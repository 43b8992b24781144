#include "pointsman/plugins/filters/by_label.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::kept;
using testing::make;
using testing::Scene;
using Names = std::vector<std::string>;

Scene roles() {
  return Scene({{.name = "none"},
                {.name = "d", .labels = {{"llm-d.ai/role", "decode"}}},
                {.name = "p", .labels = {{"llm-d.ai/role", "prefill"}}},
                {.name = "e", .labels = {{"llm-d.ai/role", "encode"}}},
                {.name = "pd", .labels = {{"llm-d.ai/role", "prefill-decode"}}},
                {.name = "both", .labels = {{"llm-d.ai/role", "both"}}},
                {.name = "ep", .labels = {{"llm-d.ai/role", "encode-prefill"}}},
                {.name = "epd", .labels = {{"llm-d.ai/role", "encode-prefill-decode"}}},
                {.name = "other", .labels = {{"llm-d.ai/role", "Decode"}}}});
}

TEST(DecodeFilter, KeepsDecodersAndEndpointsWithoutARole) {
  Scene scene = roles();
  EXPECT_EQ(kept(*make<DecodeFilter>({}, scene.table), scene),
            (Names{"none", "d", "pd", "both", "epd"}));
}

TEST(PrefillFilter, KeepsPrefillersOnly) {
  Scene scene = roles();
  EXPECT_EQ(kept(*make<PrefillFilter>({}, scene.table), scene),
            (Names{"p", "pd", "both", "ep", "epd"}));
}

TEST(EncodeFilter, KeepsEncodersOnly) {
  Scene scene = roles();
  EXPECT_EQ(kept(*make<EncodeFilter>({}, scene.table), scene), (Names{"e", "ep", "epd"}));
}

TEST(RoleFilter, ReportsTheTypeOfItsLabelFilter) {
  SignalTable table;
  pointsman::Setup setup({"decode-filter", "d"}, {}, table);
  const DecodeFilter filter({}, setup);
  EXPECT_EQ(setup.name().type, "by-label");
}

TEST(ByLabelFilter, KeepsExactValues) {
  Scene scene({{.name = "a", .labels = {{"t", "x"}}},
               {.name = "b", .labels = {{"t", "y"}}},
               {.name = "c", .labels = {{"t", "X"}}},
               {.name = "d"}});
  EXPECT_EQ(kept(*make<ByLabelFilter>({.label = "t", .valid_values = {"x"}}, scene.table), scene),
            Names{"a"});
  EXPECT_EQ(kept(*make<ByLabelFilter>(
                     {.label = "t", .valid_values = {"y"}, .allows_no_label = true}, scene.table),
                 scene),
            (Names{"b", "d"}));
  EXPECT_EQ(
      kept(*make<ByLabelFilter>({.label = "t", .valid_values = {"x", ""}}, scene.table), scene),
      (Names{"a", "d"}));
}

TEST(ByLabelParams, NeedALabelAndSomethingToKeep) {
  EXPECT_EQ(ByLabelParams::check({.valid_values = {"x"}}).error().message,
            "invalid configuration for 'by-label' filter: 'label' must be specified");
  EXPECT_FALSE(ByLabelParams::check({.label = "t"}));
  EXPECT_TRUE(ByLabelParams::check({.label = "t", .allows_no_label = true}));
}

}  // namespace
}  // namespace pointsman
