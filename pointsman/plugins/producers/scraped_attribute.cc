#include "pointsman/plugins/producers/scraped_attribute.h"

#include <array>
#include <utility>

namespace pointsman {
namespace {

constexpr std::string_view kCore = "core-metrics-extractor";

std::optional<Load> core_load(const DataKey& key) {
  static constexpr auto kCoreLoads = std::to_array<std::pair<std::string_view, Load>>({
      {"WaitingQueueSize", Load::waiting},
      {"RunningRequestsSize", Load::running},
      {"KVCacheUsagePercent", Load::kv_usage},
  });
  if (key.producer != kCore) return std::nullopt;
  for (const auto& [name, load] : kCoreLoads) {
    if (key.type == name) return load;
  }
  return std::nullopt;
}

}  // namespace

Result<DataKey> ScrapedAttribute::key(std::string_view field, const std::string& attribute,
                                      const std::optional<std::string>& producer) {
  if (attribute.empty()) {
    return fail(Code::invalid_config, std::string(field) + " is required");
  }
  if (producer) return DataKey{attribute, *producer};
  const std::size_t slash = attribute.rfind('/');
  if (slash != std::string::npos) {
    return fail(Code::invalid_config, std::string(field) + " \"" + attribute +
                                          "\" contains \"/\": split it into " + "attribute: \"" +
                                          attribute.substr(0, slash) + "\" and producer: \"" +
                                          attribute.substr(slash + 1) + "\"");
  }
  return DataKey{attribute, std::string(kCore)};
}

ScrapedAttribute::ScrapedAttribute(const DataKey& key, Setup& setup)
    : key_(key.text()), load_(core_load(key)) {
  setup.reads_load_if_there(key);
}

std::optional<LoadView> ScrapedAttribute::values(const Context& context) const {
  if (load_) return context.load(*load_);
  const LoadColumn* const column = context.fleet.attribute(key_);
  if (column == nullptr) return std::nullopt;
  return context.view(*column);
}

}  // namespace pointsman
