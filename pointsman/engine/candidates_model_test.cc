// Which endpoints serve a model.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/candidates.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using Indices = std::vector<EndpointIndex>;

// Endpoints a, b and c: a serves m1, b serves m1 and m2, c has not told.
struct Mixed {
  Fleet fleet = testing::fleet_of({{.name = "a"}, {.name = "b"}, {.name = "c"}});

  explicit Mixed(bool c_told = false) {
    auto table = std::make_shared<ModelTable>();
    table->models = {{.name = "m1", .card = {}, .served = {1, 1, 0}},
                     {.name = "m2", .card = {}, .served = {0, 1, 0}}};
    table->known = {1, 1, static_cast<std::uint8_t>(c_told ? 1 : 0)};
    fleet.set_models(table);
  }

  Result<Indices> keep(std::string_view model, Indices list = {0, 1, 2}) const {
    std::vector<Drop> drops;
    Candidates candidates(list, drops);
    if (auto done = keep_model(fleet, model, candidates); !done) {
      return std::unexpected(std::move(done).error());
    }
    Indices kept(candidates.list().begin(), candidates.list().end());
    for (const Drop& drop : drops) EXPECT_EQ(drop.reason, DropReason::no_model);
    EXPECT_EQ(kept.size() + drops.size(), list.size());
    return kept;
  }
};

TEST(KeepModel, KeepsThoseThatServeIt) {
  EXPECT_EQ(Mixed().keep("m1"), (Indices{0, 1}));
  EXPECT_EQ(Mixed().keep("m2"), (Indices{1}));
}

TEST(KeepModel, AsksThoseThatHaveNotToldWhenNobodyIsKnownToServeIt) {
  EXPECT_EQ(Mixed().keep("m3"), (Indices{2}));
}

TEST(KeepModel, AnUnknownModelIsNotFoundOnceAllHaveTold) {
  const auto kept = Mixed(true).keep("m3");
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, Code::not_found);
  EXPECT_EQ(kept.error().drop_reason, kModelNotFound);
  EXPECT_EQ(kept.error().message, "The model `m3` does not exist");
}

TEST(PreferModel, LeavesAllWhenNobodyServesIt) {
  const Mixed mixed(true);
  const auto prefer = [&](std::string_view model) {
    Indices list{0, 1, 2};
    std::vector<Drop> drops;
    Candidates candidates(list, drops);
    prefer_model(mixed.fleet, model, candidates);
    return Indices(candidates.list().begin(), candidates.list().end());
  };
  EXPECT_EQ(prefer("m2"), (Indices{1}));
  EXPECT_EQ(prefer("m3"), (Indices{0, 1, 2}));
  EXPECT_EQ(prefer(""), (Indices{0, 1, 2}));
}

TEST(NamedModel, IsTheTopLevelStringOfAnObject) {
  Arena arena;
  EXPECT_EQ(named_model(R"( {"query": {"model": "no"}, "model": "a/b", "x")", arena), "a/b");
  EXPECT_EQ(named_model(R"({"model": "caf\u00e9"})", arena), "caf\u00e9");
  const std::string padding(2 << 20, ' ');
  for (const std::string& text : std::vector<std::string>{
           "", "{}", "[]", R"(["model"])", R"({"model": 5})", R"({"model": null})", R"({"model")",
           R"({"model": "cut)", R"({"a": tru, "model": "m"})", "--boundary\r\nmodel", "\x1f\x8b",
           R"({"input": ")" + padding + R"(", "model": "beyond"})"}) {
    EXPECT_EQ(named_model(text, arena), "") << text.substr(0, 40);
  }
}

TEST(KeepModel, ToldApartFromAGuess) {
  const Mixed mixed;
  EXPECT_TRUE(only_guessed(mixed.fleet, "m3", 2));
  EXPECT_FALSE(only_guessed(mixed.fleet, "m3", 0)) << "it has told";
  EXPECT_FALSE(only_guessed(mixed.fleet, "", 2));
  Mixed silent;
  silent.fleet.set_models(nullptr);
  EXPECT_FALSE(only_guessed(silent.fleet, "m3", 2)) << "nobody has told";
}

TEST(KeepModel, AModelOfAnEndpointThatIsNoCandidateIsNotUnknown) {
  EXPECT_EQ(Mixed(true).keep("m2", {0}), Indices{});
}

TEST(KeepModel, AnAdapterIsAModelToo) {
  Mixed mixed(true);
  const std::vector<Adapters> adapters{{},
                                       {.active = {"lora"}, .waiting = {}, .room = 1},
                                       {.active = {}, .waiting = {"lora"}, .room = 1}};
  mixed.fleet.set_adapters(adapters, std::vector<Clock::time_point>(3));
  EXPECT_EQ(mixed.keep("lora"), (Indices{1, 2}));
}

TEST(KeepModel, KeepsAllWithoutAModelOrBeforeAnybodyHasTold) {
  EXPECT_EQ(Mixed().keep(""), (Indices{0, 1, 2}));
  Mixed silent;
  silent.fleet.set_models(nullptr);
  EXPECT_EQ(silent.keep("m9"), (Indices{0, 1, 2}));
}

}  // namespace
}  // namespace pointsman
