#include "pointsman/edge/http/models_page.h"

#include <gtest/gtest.h>

namespace pointsman {
namespace {

ModelTable table() {
  ModelTable made;
  made.models = {{.name = "a/b", .card = {}, .served = {1}},
                 {.name = "c", .card = R"({"id":"c","max_model_len":8})", .served = {1}}};
  return made;
}

TEST(ModelsPage, ListsEachModelWithWhatItsServerTold) {
  EXPECT_EQ(models_page(table()),
            "{\"object\":\"list\",\"data\":[{\"id\":\"a/b\",\"object\":\"model\",\"created\":0,"
            "\"owned_by\":\"pointsman\"},{\"id\":\"c\",\"max_model_len\":8}]}\n");
  EXPECT_EQ(models_page({}), "{\"object\":\"list\",\"data\":[]}\n");
}

TEST(ModelsPage, FindsOneByItsName) {
  EXPECT_EQ(model_page(table(), "c"), "{\"id\":\"c\",\"max_model_len\":8}\n");
  EXPECT_TRUE(model_page(table(), "a%2Fb"));
  EXPECT_TRUE(model_page(table(), "a/b"));
  EXPECT_FALSE(model_page(table(), "d"));
  EXPECT_FALSE(model_page(table(), "c%"));
}

}  // namespace
}  // namespace pointsman
