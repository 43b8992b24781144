#include "pointsman/fleet/models_text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

std::vector<std::string> names(std::string_view json) {
  std::vector<std::string> out;
  const auto models = read_models(json);
  if (!models) return {"error"};
  for (const ServedModel& model : *models) out.push_back(model.name);
  return out;
}

using Names = std::vector<std::string>;

TEST(ModelsText, TakesTheNamesAndTheEntriesAsTheyStand) {
  const auto models = read_models(
      R"({"object":"list","data":[ {"id":"a/b","object":"model","permission":[{"x":[1,-2.5e3]}]} ,
          {"parent":"a/b","id":"lora \u00e9\ud83d\ude00\n"}]})");
  ASSERT_TRUE(models);
  ASSERT_EQ(models->size(), 2U);
  EXPECT_EQ((*models)[0].name, "a/b");
  EXPECT_EQ((*models)[0].card, R"({"id":"a/b","object":"model","permission":[{"x":[1,-2.5e3]}]})");
  EXPECT_EQ((*models)[1].name, "lora \xC3\xA9\xF0\x9F\x98\x80\n");
}

TEST(ModelsText, ReadsHalfACharacterAsItReadsARequest) {
  EXPECT_EQ(names(R"({"data":[{"id":"\ud800"}]})"), Names{"\xEF\xBF\xBD"});
}

TEST(ModelsText, PassesOverWhatHasNoName) {
  EXPECT_EQ(names(R"({"data":[{"id":3},{"id":""},{},7,null,{"id":"x"}]})"), Names{"x"});
  EXPECT_EQ(names(R"({"data":[]})"), Names{});
}

TEST(ModelsText, RefusesWhatIsNotAList) {
  for (const auto* wrong :
       {"", "{", "[]", "null", "{}", R"({"data":{}})", R"({"data":[{"id":"x"}])",
        R"({"data":[{"id":"x"}]} x)", R"({"data":[{"id":"x\q"}]})",
        "{\"data\":[{\"id\":\"a\nb\"}]}", R"({"data":[{"id":"x",}]})", "<html></html>"}) {
    EXPECT_EQ(names(wrong), Names{"error"}) << wrong;
  }
}

TEST(ModelsText, IsBounded) {
  EXPECT_EQ(names("{\"x\":" + std::string(100'000, '[')), Names{"error"});
  std::string many = "{\"data\":[{\"id\":\"m\"}";
  for (int i = 0; i < 5000; ++i) many += ",{\"id\":\"m\"}";
  EXPECT_EQ(names(many + "]}"), Names{"error"});
  const auto large =
      read_models("{\"data\":[{\"id\":\"m\",\"x\":\"" + std::string(10'000, 'x') + "\"}]}");
  ASSERT_TRUE(large);
  EXPECT_EQ((*large)[0].card, "");
}

}  // namespace
}  // namespace pointsman
