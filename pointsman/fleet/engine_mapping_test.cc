#include "pointsman/fleet/engine_mapping.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

constexpr auto kLabel = "llm-d.ai/engine-type";

Endpoint labelled(std::vector<std::pair<std::string, std::string>> labels) {
  Endpoint endpoint{.name = "e", .address = "10.0.0.1", .port = 8000, .labels = std::move(labels)};
  endpoint.complete();
  return endpoint;
}

EngineMappings mappings(const std::string& default_engine = "vllm",
                        const std::vector<EngineParams>& engines = {}) {
  auto made = EngineMappings::make(kLabel, default_engine, engines);
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return *std::move(made);
}

std::string problem(const std::vector<EngineParams>& engines,
                    const std::string& default_engine = "vllm") {
  const auto made = EngineMappings::make(kLabel, default_engine, engines);
  return made ? "none" : made.error().message;
}

std::string engine_of(const EngineMappings& all,
                      std::vector<std::pair<std::string, std::string>> labels) {
  return all.of(labelled(std::move(labels)))->name;
}

TEST(EngineMappings, GoByTheLabelOfTheEndpoint) {
  const EngineMappings all = mappings();
  EXPECT_EQ(engine_of(all, {}), "vllm");
  EXPECT_EQ(engine_of(all, {{kLabel, "vllm"}}), "vllm");
  EXPECT_EQ(engine_of(all, {{kLabel, "sglang"}}), "sglang");
  EXPECT_EQ(engine_of(all, {{kLabel, "unheard-of"}}), "vllm");
  EXPECT_EQ(engine_of(all, {{kLabel, "default"}}), "vllm");
  EXPECT_EQ(engine_of(mappings("sglang"), {}), "sglang");
}

TEST(EngineMappings, GoByTheLegacyLabelWhenTheNewOneIsMissingOrEmpty) {
  constexpr auto kLegacy = "inference.networking.k8s.io/engine-type";
  const EngineMappings all = mappings();
  EXPECT_EQ(engine_of(all, {{kLegacy, "sglang"}}), "sglang");
  EXPECT_EQ(engine_of(all, {{kLabel, ""}, {kLegacy, "sglang"}}), "sglang");
  EXPECT_EQ(engine_of(all, {{kLabel, "triton"}, {kLegacy, "sglang"}}), "triton");
}

TEST(EngineMappings, KnowTheBuiltInEngines) {
  const EngineMappings all = mappings();
  const EngineMapping& vllm = *all.of(labelled({}));
  EXPECT_EQ(vllm.waiting->name, "vllm:num_requests_waiting");
  EXPECT_EQ(vllm.block_size_label, "block_size");
  EXPECT_EQ(vllm.num_blocks_label, "num_gpu_blocks");
  EXPECT_FALSE(vllm.block_size.has_value());
  const EngineMapping& trt = *all.of(labelled({{kLabel, "triton-tensorrt-llm"}}));
  EXPECT_EQ(trt.kv_usage->labels.front().second, "fraction");
  EXPECT_FALSE(trt.adapters.has_value());
  EXPECT_EQ(builtin_engines().size(), 5U);
}

TEST(EngineMappings, ReplaceABuiltInEngineWholly) {
  const EngineMappings all = mappings("vllm", {{.name = "vllm", .queued_requests_spec = "q"}});
  const EngineMapping& vllm = *all.of(labelled({}));
  EXPECT_EQ(vllm.waiting->name, "q");
  EXPECT_FALSE(vllm.running.has_value());
  EXPECT_EQ(engine_of(all, {{kLabel, "sglang"}}), "sglang");
}

TEST(EngineMappings, KnowTheKeysOfCustomMetrics) {
  const EngineMappings all =
      mappings("vllm", {{.name = "a", .custom_metrics = {{"k2", "m"}, {"k1", "n{x=y}"}}},
                        {.name = "b", .custom_metrics = {{"k1", "o"}}}});
  EXPECT_EQ(all.custom_keys(), (std::vector<std::string>{"k1", "k2"}));
}

TEST(EngineMappings, SayWhatIsWrongWithAConfiguration) {
  EXPECT_EQ(problem({{.name = ""}}), "engine config name cannot be empty");
  EXPECT_TRUE(problem({{.name = "default"}}).contains("cannot be \"default\" (reserved)"));
  EXPECT_EQ(problem({{.name = "x"}, {.name = "x"}}),
            "mapping for engine type \"x\" already exists");
  EXPECT_EQ(problem({}, "x"), "defaultEngine \"x\" not found in engineConfigs");
}

TEST(EngineMappings, SayAllThatIsWrongWithAnEngine) {
  EXPECT_EQ(problem({{.name = "x", .queued_requests_spec = "1", .kv_usage_spec = "a{"}}),
            "failed to create mapping for engine \"x\": not a valid metric specification: \"1\"\n"
            "not a valid metric specification: \"a{\"");
  EXPECT_EQ(
      problem({{.name = "x", .custom_metrics = {{"", "m"}, {"k", ""}, {"k", "m"}, {"l", "{"}}}}),
      "failed to create mapping for engine \"x\": custom metric attributeKey cannot be empty\n"
      "custom metric \"k\" spec cannot be empty\n"
      "custom metric attributeKey \"k\" is duplicated\n"
      "custom metric \"l\": not a valid metric specification: \"{\"");
}

}  // namespace
}  // namespace pointsman
