// What holds for every plugin type that this build knows, whoever wrote it: the laws of
// docs/writing-a-plugin.md. A new plugin is held to them from its first build on; one that needs
// parameters or companions to be configured has a row in testing/plugin_needs.h.

#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/testing/lone_plugin.h"
#include "pointsman/app/testing/plugin_needs.h"
#include "pointsman/base/testing/allocations.h"
#include "pointsman/engine/testing/fakes.h"

namespace pointsman {
namespace {

using testing::allocations;
using testing::asked;
using testing::entry;
using testing::Loads;
using testing::LonePlugin;
using testing::need_of;

class PluginLaws : public ::testing::TestWithParam<std::string> {
 protected:
  std::string type_ = GetParam();
  std::string config_ = testing::config_with(type_);
};

TEST_P(PluginLaws, IsMadeFromItsParameters) {
  EXPECT_EQ(LonePlugin(config_).error(), "") << config_;
}

TEST_P(PluginLaws, RefusesAnUnknownParameter) {
  // Of a plugin without parameters the reference reads none, so there is none to be unknown.
  const bool reads = builtin_plugins().find(type_)->parameters != nullptr;
  std::string parameters = need_of(type_).parameters;
  parameters.insert(1, parameters == "{}" ? "noSuchField: 1" : "noSuchField: 1, ");
  std::string config = config_;
  const std::string was = entry(type_, need_of(type_).parameters);
  config.replace(config.find(was), was.size(), entry(type_, parameters));
  const std::string error = LonePlugin(config).error();
  EXPECT_EQ(error.contains("noSuchField"), reads) << error;
  EXPECT_EQ(error.empty(), !reads) << error;
}

TEST_P(PluginLaws, DecidesWhateverTheFleetLooksLike) {
  for (const Loads loads : {Loads::sound, Loads::missing, Loads::absurd}) {
    for (const std::size_t endpoints : {0U, 1U, 5U, 4096U}) {
      LonePlugin router(config_, endpoints, loads);
      ASSERT_EQ(router.error(), "");
      const auto client = router.client();
      for (std::size_t i = 0; i < (endpoints > 100 ? 3U : 16U); ++i) {
        const auto outcome = client->ask(asked(i));
        EXPECT_TRUE(endpoints > 0 || !outcome);
        if (!outcome) {
          EXPECT_NE(outcome.error().code, Code::internal) << outcome.error().message;
          continue;
        }
        const Decision& d = *client->decision();
        ASSERT_FALSE(d.targets().empty());
        for (const EndpointIndex e : d.targets()) EXPECT_LT(e, endpoints);
        for (const double total : d.totals) EXPECT_TRUE(std::isfinite(total));
      }
    }
  }
}

TEST_P(PluginLaws, AllocatesNothingOnceItIsWarm) {
  LonePlugin router(config_, 32);
  ASSERT_EQ(router.error(), "");
  const auto client = router.client();
  std::vector<testing::Asked> requests;
  for (std::size_t i = 0; i < 8; ++i) requests.push_back(asked(i));
  // What happens for the first time may take memory, however late: another endpoint is picked. So
  // one stretch of requests without any is asked for, among the first few.
  constexpr std::size_t kStretch = 500;
  std::vector<std::uint64_t> taken;
  std::size_t decided = 0;
  while (taken.size() < 12 && (taken.empty() || taken.back() > 0)) {
    taken.push_back(0);
    for (std::size_t i = 0; i < kStretch; ++i) {
      const std::uint64_t before = allocations();
      if (!client->ask(requests[i % 8])) continue;  // a refusal makes its text
      taken.back() += allocations() - before;
      ++decided;
    }
  }
  EXPECT_EQ(taken.back(), 0U) << ::testing::PrintToString(taken);
  EXPECT_GT(decided, 0U);
}

// Everything that a request's owner could tell apart.
std::vector<double> decisions_under(const std::string& config, Trace (*trace)()) {
  LonePlugin router(config, 12);
  const auto client = router.client(7);
  std::vector<double> all;
  for (std::size_t i = 0; i < 64; ++i) {
    const bool decided = client->ask(asked(i), trace()).has_value();
    all.push_back(decided ? 1.0 : 0.0);
    if (client->decision() == nullptr) continue;
    const Decision& d = *client->decision();
    for (const EndpointIndex e : d.picks) all.push_back(e);
    for (const double total : d.totals) all.push_back(total);
    for (const double score : d.scores) all.push_back(std::isnan(score) ? -1.0 : score);
  }
  return all;
}

TEST_P(PluginLaws, DecidesAlikeHoweverItIsTraced) {
  const auto off = decisions_under(config_, +[] { return Trace(); });
  EXPECT_GT(off.size(), 64U);
  EXPECT_EQ(decisions_under(config_, +[] { return Trace(testing::caller_context()); }), off);
  EXPECT_EQ(decisions_under(config_, testing::recording_trace), off);
}

TEST_P(PluginLaws, ServesFourWorkersAtOnce) {
  LonePlugin router(config_, 12);
  ASSERT_EQ(router.error(), "");
  std::vector<std::jthread> workers;
  for (std::uint64_t w = 0; w < 4; ++w) {
    workers.emplace_back([client = router.client(w), w]() {
      for (std::size_t i = 0; i < 50; ++i) (void)client->ask(asked(i + w));
    });
  }
  const Fleet fleet = testing::mixed_fleet(12, Loads::sound);
  for (int i = 0; i < 20; ++i) router.pipeline().tend(fleet);
}

std::vector<std::string> all_types() {
  std::vector<std::string> types;
  const Registry registry = builtin_plugins();
  for (const Registration* line : registry.all()) types.emplace_back(line->type);
  return types;
}

INSTANTIATE_TEST_SUITE_P(Every, PluginLaws, ::testing::ValuesIn(all_types()), [](const auto& type) {
  std::string name = type.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

}  // namespace
}  // namespace pointsman
