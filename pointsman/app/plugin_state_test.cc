// The page /debug/plugins/state (spec/02 section 13.5, spec/07 section 2).

#include "pointsman/app/plugin_state.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/config/yaml.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

constexpr auto kDay = std::chrono::sys_days(std::chrono::year(2025) / 1 / 2);
constexpr auto kTime = kDay + std::chrono::hours(3) + std::chrono::minutes(4);

struct Silent final : Upkeep {
  using Params = NoParams;
  static constexpr std::string_view kType = "skip-type";
  static constexpr std::string_view kHelp = "For tests.";
  Silent(NoParams /*params*/, Setup& /*setup*/) {}
  void tend(const Fleet& /*fleet*/) override {}
};

// Shows its parameter.
struct Dumper final : StateDumper {
  struct Params {
    std::string state;
    static constexpr auto fields() {
      return std::tuple{field("state", &Params::state, "What is shown.")};
    }
  };
  static constexpr std::string_view kType = "test-type";
  static constexpr std::string_view kHelp = "For tests.";
  Dumper(const Params& params, Setup& /*setup*/) : state(params.state) {}
  Result<std::string> dump(const Fleet& /*fleet*/) const override {
    if (state == "fail") return fail(Code::internal, "no time");
    if (state == "throw") throw std::runtime_error("out of order");
    return state;
  }
  std::string state;
};

class PluginState : public ::testing::Test {
 protected:
  PluginState() {
    registry_.add<Dumper>();
    registry_.add<Silent>();
  }
  void add(const std::string& name, const std::string& state) {
    const auto parameters = read_yaml("state: '" + state + "'");
    ASSERT_TRUE(parameters.has_value());
    Diagnostics problems;
    ASSERT_TRUE(plugins_.create(
        {.name = name, .type = std::string(Dumper::kType), .parameters = &parameters->root}, "",
        problems));
  }
  std::string page(std::chrono::system_clock::time_point at = kTime) const {
    return plugin_state_json(plugins_, fleet_, at);
  }

  Registry registry_;
  PluginSet plugins_{registry_};
  Fleet fleet_ = testing::fleet_of({{.name = "a"}});
};

TEST_F(PluginState, IsTheReferencesPage) {
  Diagnostics problems;
  ASSERT_TRUE(plugins_.create({.name = "skip", .type = "skip-type"}, "", problems));
  add("a-dumper", R"({"value":"first"})");
  EXPECT_EQ(page(kTime + std::chrono::seconds(5)),
            R"({"timestamp":"2025-01-02T03:04:05Z","plugins":{"a-dumper":{"name":"a-dumper",)"
            R"("type":"test-type","state":{"value":"first"}},"skip":{"name":"skip",)"
            R"("type":"skip-type","message":"plugin does not support state collection"}}})");
}

TEST_F(PluginState, TellsNanosecondsWithoutTheirLastZeros) {
  EXPECT_EQ(page(kTime + std::chrono::microseconds(1'250)),
            R"({"timestamp":"2025-01-02T03:04:00.00125Z","plugins":{}})");
}

TEST_F(PluginState, SaysWhyThereIsNone) {
  for (const auto& [state, shown] : {std::pair("", R"("state":null)"),
                                     std::pair("fail", R"("message":"failed to dump plugin )"
                                                       R"(state: no time")"),
                                     std::pair("throw", R"("message":"failed to dump plugin )"
                                                        R"(state: out of order")"),
                                     std::pair("{", R"("message":"plugin returned invalid )"
                                                    R"(JSON state")"),
                                     std::pair("1 2", R"("message":"plugin returned invalid )"
                                                      R"(JSON state")")}) {
    add(std::string("of ") + state, state);
    EXPECT_NE(page().find(std::string(R"(","type":"test-type",)") + shown + "}"), std::string::npos)
        << page();
  }
}

TEST(EndpointsState, NamesTheFirstHundred) {
  EXPECT_EQ(endpoints_state({}, 0), R"({"endpoints":null,"totalEndpoints":0,"maxEndpoints":100})");
  EXPECT_EQ(endpoints_state({"a", "b\""}, 3),
            R"({"endpoints":["a","b\""],"totalEndpoints":3,"maxEndpoints":100})");
  const std::string many = endpoints_state(std::vector<std::string>(101, "e"), 101);
  EXPECT_EQ(std::ranges::count(many, '"'), 2 * (100 + 3));
  EXPECT_TRUE(many.ends_with(R"("totalEndpoints":101,"maxEndpoints":100})"));
}

}  // namespace
}  // namespace pointsman
