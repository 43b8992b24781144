#include "pointsman/engine/config_doubts.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman {
namespace {

using Access = Declaration::Access;

// A share of the total below which a scorer decides between equals only.
constexpr double kLeastShare = 0.005;
// What a band holds unless it says otherwise (spec/02 section 1.2).
constexpr std::int64_t kBandRequests = 5000;
constexpr std::int64_t kBandBytes = 1'000'000'000;

Place place_of(const EndpointPickerConfig& config, const std::string& plugin) {
  const auto spec = std::ranges::find(config.plugins, plugin, &PluginSpec::name);
  return spec == config.plugins.end() ? Place{} : spec->place;
}

Diagnostic doubt(std::string path, Place place, std::string text, std::string hint) {
  return {.path = std::move(path),
          .line = place.line,
          .column = place.column,
          .text = std::move(text),
          .hint = std::move(hint)};
}

bool injected(const PluginSet& plugins, const std::string& name) {
  return std::ranges::find(plugins.injected(), name) != plugins.injected().end();
}

// A configured producer of the same kind of data under another name, or nullptr.
const Instance* other_producer(const PluginSet& plugins, const DataKey& key) {
  for (const auto& instance : plugins.all()) {
    if (injected(plugins, instance->name.name) || instance->producer == nullptr) continue;
    for (const Declaration& d : instance->declarations) {
      const bool same_kind = d.access == Access::produces && d.key.type == key.type;
      if (same_kind && !(d.key == key)) return instance.get();
    }
  }
  return nullptr;
}

void check_producers(const EndpointPickerConfig& config, const PluginSet& plugins,
                     Diagnostics& all) {
  for (const auto& reader : plugins.all()) {
    if (injected(plugins, reader->name.name)) continue;
    for (const Declaration& d : reader->declarations) {
      if (d.access == Access::produces || !injected(plugins, d.key.producer)) continue;
      const Instance* const other = other_producer(plugins, d.key);
      if (other == nullptr || other == reader.get()) continue;
      all.push_back(doubt(reader->name.name, place_of(config, reader->name.name),
                          "plugin '" + reader->name.name + "' reads the injected producer '" +
                              d.key.producer + "' although '" + other->name.name +
                              "' is configured",
                          "name it in the parameter for the producer, such as "
                          "prefixMatchInfoProducerName: " +
                              other->name.name));
    }
  }
}

struct Limit {
  std::string_view field;
  std::optional<Quantity> global;
  std::int64_t hidden;
  std::optional<Quantity> PriorityBandConfig::* own;
};

void check_limit(const FlowControlConfig& flow, const Limit& limit, Diagnostics& all) {
  if (!limit.global || limit.global->value <= 0) return;
  const auto hold = [&](const PriorityBandConfig* band, const std::string& name, Place place) {
    const std::optional<Quantity>* const own = band == nullptr ? nullptr : &(band->*limit.own);
    const bool written = own != nullptr && *own && (*own)->value > 0;
    const std::int64_t most = written ? (*own)->value : limit.hidden;
    if (most >= limit.global->value) return;
    // A limit that is written for one band of several is meant; a hidden one rarely is.
    if (written && flow.priority_bands.size() > 1) return;
    all.push_back(doubt(name + "." + std::string(limit.field), place,
                        "flowControl." + std::string(limit.field) + " " + limit.global->text +
                            " is never reached: " + name + " holds " + std::to_string(most) +
                            (written ? "" : " by default"),
                        "write " + name + "." + std::string(limit.field)));
  };
  const PriorityBandConfig* standard =
      flow.default_priority_band ? &*flow.default_priority_band : nullptr;
  if (flow.priority_bands.empty()) {
    return hold(standard, "flowControl.defaultPriorityBand",
                standard != nullptr ? standard->place : flow.place);
  }
  for (std::size_t i = 0; i < flow.priority_bands.size(); ++i) {
    hold(&flow.priority_bands[i], "flowControl.priorityBands[" + std::to_string(i) + "]",
         flow.priority_bands[i].place);
  }
}

void check_limits(const EndpointPickerConfig& config, const FeatureGates& gates, Diagnostics& all) {
  const auto gate = gates.find("flowControl");
  if (gate == gates.end() || !gate->second || !config.flow_control) return;
  const FlowControlConfig& flow = *config.flow_control;
  check_limit(flow,
              {"maxRequests", flow.max_requests, kBandRequests, &PriorityBandConfig::max_requests},
              all);
  check_limit(flow, {"maxBytes", flow.max_bytes, kBandBytes, &PriorityBandConfig::max_bytes}, all);
}

std::string percent(double share) {
  const double tenths = std::round(share * 1000.0) / 10.0;
  return number_text(tenths) + " %";
}

void check_weights(const EndpointPickerConfig& config, const PluginSet& plugins, Diagnostics& all) {
  for (const SchedulingProfile& profile : config.scheduling_profiles) {
    double total = 0.0;
    const auto scorer = [&](const SchedulingPlugin& entry) {
      const Instance* const instance = plugins.find(entry.plugin_ref);
      return instance != nullptr && instance->scorer != nullptr;
    };
    for (const SchedulingPlugin& entry : profile.plugins) {
      if (scorer(entry)) total += std::abs(entry.weight.value_or(1.0));
    }
    for (const SchedulingPlugin& entry : profile.plugins) {
      const double weight = entry.weight.value_or(1.0);
      const Instance* const instance = plugins.find(entry.plugin_ref);
      const std::string path = "schedulingProfiles[" + profile.name + "]";
      const std::string who = "profile '" + profile.name + "': '" + entry.plugin_ref + "'";
      if (instance != nullptr && instance->scorer == nullptr && entry.weight && weight != 1.0) {
        all.push_back(doubt(path, entry.place, who + " is no scorer: its weight has no effect",
                            "leave the weight out"));
      }
      if (!scorer(entry)) continue;
      if (weight < 0.0) {
        all.push_back(doubt(path, entry.place,
                            who + " has a negative weight: it prefers the endpoints that it "
                                  "scores worst",
                            ""));
      } else if (weight == 0.0 || weight < total * kLeastShare) {
        all.push_back(doubt(path, entry.place,
                            who + " has " + percent(total == 0.0 ? 0.0 : weight / total) +
                                " of the weights: it decides between equals at most",
                            "weights count against each other"));
      }
    }
  }
}

}  // namespace

Diagnostics surely_not_meant(const EndpointPickerConfig& config, const FeatureGates& gates,
                             const PluginSet& plugins) {
  Diagnostics all;
  check_producers(config, plugins, all);
  check_limits(config, gates, all);
  check_weights(config, plugins, all);
  return all;
}

}  // namespace pointsman
