#include "pointsman/stage/inputs.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/client_text.h"
#include "pointsman/base/testing/allocations.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

enum class Tier : std::uint8_t { cold, warm };

struct Inner {
  std::int16_t depth = 0;
  static constexpr auto recorded() { return std::tuple{recorded_as("depth", &Inner::depth)}; }
};

struct Mixed {
  bool held = false;
  double load = 0.0;
  Tier tier = Tier::cold;
  Inner inner;
  std::string_view session;
  const void* secret = nullptr;  // not listed
  Clock::time_point since;

  static constexpr auto recorded() {
    using P = Mixed;
    return std::tuple{recorded_as("held", &P::held),       recorded_as("load", &P::load),
                      recorded_as("tier", &P::tier),       recorded_as("inner", &P::inner),
                      recorded_as("session", &P::session), recorded_as("since", &P::since)};
  }
};

const DataKey kMixed{"Mixed", "some-producer"};
const DataKey kCount{"Count", "some-producer"};
const DataKey kAbsent{"Absent", "some-producer"};

// A pipeline's signals with three recorded ones: a column, a cell, and one that nobody writes.
struct Rig {
  testing::Scene scene{{{.name = "a"}, {.name = "b"}, {.name = "c"}}};
  Setup setup{{}, {}, scene.table};
  Column<Mixed> mixed = setup.writes<Mixed>(kMixed);
  Cell<std::int64_t> count = setup.writes_cell<std::int64_t>(kCount);
  Column<double> absent = setup.writes<double>(kAbsent);
  std::shared_ptr<InputSchema> schema = std::make_shared<InputSchema>();

  Rig() {
    setup.reads_header("x-lane");
    setup.reads_header("x-absent");
    for (const DataKey& key : {kMixed, kCount, kAbsent}) {
      schema->columns.push_back(*scene.table.column(key));
    }
    schema->headers = scene.table.headers();
  }
  Inputs take(const std::vector<EndpointIndex>& candidates, std::uint64_t salt = 1) {
    Inputs inputs;
    take_inputs(schema, scene.context(), candidates, salt, inputs);
    return inputs;
  }
  std::vector<const SignalColumn*> places() const {
    std::vector<const SignalColumn*> all;
    for (const SignalColumn& column : schema->columns) all.push_back(&column);
    return all;
  }
};

void fill(Rig& rig) {
  rig.scene.begin();
  const auto column = rig.scene.signals.write(rig.mixed);
  for (std::size_t i = 0; i < column.size(); ++i) {
    column[i] = {.held = i == 1,
                 .load = 0.1 * static_cast<double>(i),
                 .tier = Tier::warm,
                 .inner = {.depth = static_cast<std::int16_t>(-5)},
                 .session = i == 1 ? std::string_view("s-1") : std::string_view(),
                 .secret = &rig,
                 .since = Clock::time_point(std::chrono::nanoseconds(77 + i))};
  }
  rig.scene.signals.write(rig.count) = -9;
}

TEST(SignalShape, NamesFieldsThroughNestedTypes) {
  const SignalShape& shape = shape_of<Mixed>();
  std::vector<std::string> names;
  for (const RecordedField& field : shape.fields) names.push_back(field.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"held", "load", "tier", "inner.depth", "session", "since"}));
  EXPECT_TRUE(shape.texts);
  EXPECT_EQ(shape.fields[3].offset, offsetof(Mixed, inner));
  EXPECT_EQ(shape_of<double>().fields.at(0).type, RecordedField::Type::real);
}

TEST(Inputs, ComeBackAsTheyWere) {
  for (const std::vector<EndpointIndex>& candidates :
       {std::vector<EndpointIndex>{0, 1, 2}, std::vector<EndpointIndex>{1, 2}}) {
    Rig rig;
    fill(rig);
    const Inputs inputs = rig.take(candidates);
    rig.scene.begin();
    ASSERT_TRUE(restore_columns(inputs, rig.scene.fleet, rig.places(), rig.scene.signals));
    const auto column = rig.scene.signals.read(rig.mixed);
    ASSERT_EQ(column.size(), 3U);
    EXPECT_TRUE(column[1].held);
    EXPECT_EQ(column[2].load, 0.2);
    EXPECT_EQ(column[2].tier, Tier::warm);
    EXPECT_EQ(column[1].inner.depth, -5);
    EXPECT_EQ(column[1].session, "s-1");
    EXPECT_EQ(column[1].secret, nullptr) << "members that are not listed are not kept";
    EXPECT_EQ(column[2].since.time_since_epoch().count(), 79);
    EXPECT_EQ(*rig.scene.signals.read(rig.count), -9);
    EXPECT_TRUE(rig.scene.signals.read(rig.absent).empty());
  }
}

TEST(Inputs, AColumnWithoutAPlaceIsPassedOver) {
  Rig rig;
  fill(rig);
  const Inputs inputs = rig.take({0, 1, 2});
  auto places = rig.places();
  places[0] = nullptr;
  rig.scene.begin();
  ASSERT_TRUE(restore_columns(inputs, rig.scene.fleet, places, rig.scene.signals));
  EXPECT_TRUE(rig.scene.signals.read(rig.mixed).empty());
  EXPECT_EQ(*rig.scene.signals.read(rig.count), -9);
}

TEST(Inputs, AreRefusedWhenTheyAreCutShort) {
  Rig rig;
  fill(rig);
  Inputs inputs = rig.take({0, 1, 2});
  for (std::size_t size = inputs.columns.size(); size-- > 0;) {
    inputs.columns.resize(size);
    rig.scene.begin();
    ASSERT_FALSE(restore_columns(inputs, rig.scene.fleet, rig.places(), rig.scene.signals));
  }
}

TEST(Inputs, HoldDeclaredHeadersOnly) {
  Rig rig;
  const std::array<Header, 2> headers{{{"authorization", "Bearer secret"}, {"x-lane", "fast"}}};
  rig.scene.request.headers = headers;
  rig.scene.begin();
  const Inputs inputs = rig.take({0});
  EXPECT_EQ(rig.schema->headers, (std::vector<std::string>{"x-absent", "x-lane"}));
  EXPECT_EQ(inputs.header_sizes, (std::vector<std::int32_t>{-1, 4}));
  EXPECT_EQ(inputs.header_text, "fast");
}

TEST(Inputs, ATextThatIsTooLongIsCutAndSaysSo) {
  Rig rig;
  const std::string path(kMaxInputText + 1, 'p');
  rig.scene.request.path = path;
  rig.scene.begin();
  const Inputs inputs = rig.take({0});
  EXPECT_FALSE(inputs.exact);
  EXPECT_EQ(inputs.path.size(), kMaxInputText);
}

TEST(Inputs, ANameThatADecisionCutsLeavesThemInexact) {
  Rig rig;
  const std::string longest(kMaxClientText, 'm');
  const std::string longer(kMaxClientText + 1, 'm');
  rig.scene.request.model = longest;
  rig.scene.begin();
  EXPECT_TRUE(rig.take({0}).exact);
  rig.scene.request.model = longer;
  rig.scene.begin();
  EXPECT_FALSE(rig.take({0}).exact);
}

TEST(Inputs, ThePrintTellsPromptsApartButNotWithoutTheSalt) {
  Rig rig;
  rig.scene.begin();
  const auto print = [&](std::string_view text, std::uint64_t salt) {
    const PromptPart part{.size = static_cast<std::uint32_t>(text.size()), .bytes = text};
    const Prompt prompt{.parts = {&part, 1}};
    rig.scene.request.prompts = {&prompt, 1};
    return rig.take({0}, salt).print;
  };
  EXPECT_EQ(print("hello", 1).bytes, 5U);
  EXPECT_EQ(print("hello", 1).hash, print("hello", 1).hash);
  EXPECT_NE(print("hello", 1).hash, print("hallo", 1).hash);
  EXPECT_NE(print("hello", 1).hash, print("hello", 2).hash);
}

TEST(Inputs, AreTakenWithoutAllocatingInSteadyState) {
  Rig rig;
  fill(rig);
  Inputs inputs;
  const std::vector<EndpointIndex> candidates{0, 2};
  std::uint64_t spent = 0;
  for (int i = 0; i < 10; ++i) {
    inputs.reset();
    const std::uint64_t before = testing::allocations();
    take_inputs(rig.schema, rig.scene.context(), candidates, 1, inputs);
    if (i > 0) spent += testing::allocations() - before;
  }
  EXPECT_EQ(spent, 0U);
}

}  // namespace
}  // namespace pointsman
