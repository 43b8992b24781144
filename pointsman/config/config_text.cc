#include "pointsman/config/config_text.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/config/duration.h"

namespace pointsman {
namespace {

// Collects `Key: value` pairs.
class Parts {
 public:
  void always(std::string_view key, std::string_view value) {
    if (!text_.empty()) text_ += ", ";
    text_ += key;
    text_ += ": ";
    text_ += value;
  }
  void unless_empty(std::string_view key, std::string_view value) {
    if (!value.empty()) always(key, value);
  }
  template <typename T>
  void each(std::string_view key, const std::vector<T>& values) {
    if (values.empty()) return;
    std::string list = "[";
    for (const T& value : values) {
      if (&value != &values.front()) list += ' ';
      list += to_string(value);
    }
    always(key, list + "]");
  }
  template <typename T>
  void if_there(std::string_view key, const std::optional<T>& value) {
    if (value) always(key, to_string(*value));
  }
  void if_there(std::string_view key, const std::optional<Quantity>& value) {
    if (value) always(key, value->text);
  }
  void if_there(std::string_view key, const std::optional<std::chrono::nanoseconds>& value) {
    if (value) always(key, format_duration(*value));
  }
  std::string braced() const { return "{" + text_ + "}"; }

 private:
  static std::string to_string(const PluginRef& ref) {
    return "{PluginRef: " + ref.plugin_ref + "}";
  }
  static std::string to_string(const DiscoveryConfig& discovery) {
    return "{PluginRef: " + discovery.name() + "}";
  }
  static std::string to_string(const CrossReplicaConfig& replicas);
  static std::string to_string(const DataSource& source);
  static std::string to_string(const PriorityBandConfig& band);
  template <typename T>
  static std::string to_string(const T& value) {
    return pointsman::to_string(value);
  }

  std::string text_;
};

std::string Parts::to_string(const DataSource& source) {
  Parts parts;
  parts.always("PluginRef", source.plugin_ref);
  parts.each("Extractors", source.extractors);
  return parts.braced();
}

std::string Parts::to_string(const CrossReplicaConfig& replicas) {
  Parts parts;
  parts.unless_empty("SyncerPluginRef", replicas.syncer);
  parts.if_there("SyncInterval", replicas.sync_interval);
  parts.if_there("PublishTimeout", replicas.publish_timeout);
  return parts.braced();
}

std::string Parts::to_string(const PriorityBandConfig& band) {
  Parts parts;
  parts.always("Priority", std::to_string(band.priority));
  parts.if_there("MaxBytes", band.max_bytes);
  parts.if_there("MaxRequests", band.max_requests);
  parts.unless_empty("FairnessPolicyRef", band.fairness_policy_ref);
  parts.unless_empty("OrderingPolicyRef", band.ordering_policy_ref);
  parts.if_there("DefaultRequestTTL", band.default_request_ttl);
  return parts.braced();
}

std::string two_decimals(double value) {
  std::array<char, 400> buffer{};  // DBL_MAX has 309 digits
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.2f", value);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string to_string(const PluginSpec& plugin) {
  Parts parts;
  parts.unless_empty("Name", plugin.name);
  parts.unless_empty("Type", plugin.type);
  if (plugin.parameters != nullptr) parts.always("Parameters", to_json(*plugin.parameters));
  return parts.braced();
}

std::string to_string(const SchedulingPlugin& plugin) {
  Parts parts;
  parts.unless_empty("PluginRef", plugin.plugin_ref);
  if (plugin.weight) parts.always("Weight", two_decimals(*plugin.weight));
  return parts.braced();
}

std::string to_string(const SchedulingProfile& profile) {
  Parts parts;
  parts.unless_empty("Name", profile.name);
  parts.each("Plugins", profile.plugins);
  return parts.braced();
}

std::string to_string(const DataLayerConfig& data_layer) {
  Parts parts;
  if (!data_layer.inject_defaults) parts.always("InjectDefaults", "false");
  parts.each("Sources", data_layer.sources);
  parts.if_there("Discovery", data_layer.discovery);
  parts.if_there("PeerDiscovery", data_layer.peer_discovery);
  parts.unless_empty("CrossReplicaSyncerPluginRef", data_layer.cross_replica_syncer);
  parts.if_there("CrossReplicaSyncInterval", data_layer.cross_replica_sync_interval);
  parts.if_there("CrossReplicaPublishTimeout", data_layer.cross_replica_publish_timeout);
  parts.if_there("CrossReplica", data_layer.cross_replica);
  return parts.braced();
}

std::string to_string(const FlowControlConfig& flow) {
  Parts parts;
  parts.always("MaxBytes", flow.max_bytes ? flow.max_bytes->text : "unlimited");
  parts.always("MaxRequests", flow.max_requests ? flow.max_requests->text : "unlimited");
  parts.if_there("DefaultRequestTTL", flow.default_request_ttl);
  parts.if_there("NoEndpointRequestTTL", flow.no_endpoint_request_ttl);
  parts.if_there("DefaultPriorityBand", flow.default_priority_band);
  parts.if_there("DefaultNegativePriorityBand", flow.default_negative_priority_band);
  parts.each("PriorityBands", flow.priority_bands);
  parts.unless_empty("UsageLimitPolicyRef", flow.usage_limit_policy);
  parts.unless_empty("BandSelectionPolicyRef", flow.band_selection_policy);
  parts.if_there("SaturationDetector", flow.saturation_detector);
  if (flow.enable_eviction) parts.always("EnableEviction", "true");
  return parts.braced();
}

std::string to_string(const RequestHandlerConfig& request_handler) {
  Parts parts;
  parts.each("Parsers", request_handler.parsers);
  return parts.braced();
}

std::string to_string(const EndpointPickerConfig& config) {
  Parts parts;
  if (!config.feature_gates.empty()) {
    parts.always("FeatureGates", feature_gates_text(config.feature_gates));
  }
  parts.each("Plugins", config.plugins);
  parts.each("SchedulingProfiles", config.scheduling_profiles);
  parts.if_there("DataLayer", config.data_layer);
  parts.if_there("FlowControl", config.flow_control);
  parts.if_there("RequestHandler", config.request_handler);
  return parts.braced();
}

std::string feature_gates_text(const std::vector<std::string>& gates) {
  std::string out = "{";
  for (const std::string& gate : gates) {
    if (out.size() > 1) out += ',';
    out += gate;
  }
  return out + "}";
}

}  // namespace pointsman
