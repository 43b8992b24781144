// The way back from the structs to a document, for `pointsman check`.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/config/config_text.h"
#include "pointsman/config/duration.h"
#include "pointsman/config/make_node.h"
#include "pointsman/config/yaml_scalar.h"

namespace pointsman {
namespace {

// A mapping under construction; what is not written in the structs is left out.
class Map {
 public:
  Map& put(std::string key, Node value) {
    node_.members.push_back({.key = std::move(key), .value = std::move(value)});
    return *this;
  }
  Map& text(std::string key, const std::string& value) {
    return value.empty() ? *this : put(std::move(key), text_node(value));
  }
  Map& duration(std::string key, const std::optional<std::chrono::nanoseconds>& value) {
    return value ? put(std::move(key), text_node(format_duration(*value))) : *this;
  }
  Map& quantity(std::string key, const std::optional<Quantity>& value) {
    return value ? put(std::move(key), text_node(value->text)) : *this;
  }
  template <typename T>
  Map& each(std::string key, const std::vector<T>& values) {
    if (values.empty()) return *this;
    Node list = list_node();
    for (const T& value : values) list.items.push_back(node_of(value));
    return put(std::move(key), std::move(list));
  }
  template <typename T>
  Map& if_there(std::string key, const std::optional<T>& value) {
    return value ? put(std::move(key), node_of(*value)) : *this;
  }
  Node take() { return std::move(node_); }

 private:
  static Node node_of(const std::string& value) { return text_node(value); }
  static Node node_of(const PluginRef& ref) {
    return Map().text("pluginRef", ref.plugin_ref).take();
  }
  static Node node_of(const PluginSpec& plugin) {
    Map map;
    if (plugin.name != plugin.type) map.text("name", plugin.name);
    map.text("type", plugin.type);
    if (plugin.parameters != nullptr) map.put("parameters", *plugin.parameters);
    return map.take();
  }
  static Node node_of(const SchedulingPlugin& plugin) {
    Map map;
    map.text("pluginRef", plugin.plugin_ref);
    if (plugin.weight) map.put("weight", number_node(*plugin.weight));
    return map.take();
  }
  static Node node_of(const SchedulingProfile& profile) {
    return Map().text("name", profile.name).each("plugins", profile.plugins).take();
  }
  static Node node_of(const DataSource& source) {
    Map map;
    return map.text("pluginRef", source.plugin_ref).each("extractors", source.extractors).take();
  }
  static Node node_of(const DiscoveryConfig& discovery) {
    Map map;
    return map.text("pluginRef", discovery.plugin_ref)
        .if_there("endpoints", discovery.endpoints)
        .take();
  }
  static Node node_of(const CrossReplicaConfig& replicas) {
    Map map;
    return map.text("syncerPluginRef", replicas.syncer)
        .duration("syncInterval", replicas.sync_interval)
        .duration("publishTimeout", replicas.publish_timeout)
        .take();
  }
  static Node node_of(const DataLayerConfig& layer);
  static Node node_of(const PriorityBandConfig& band);
  static Node node_of(const FlowControlConfig& flow);
  static Node node_of(const RequestHandlerConfig& handler) {
    return Map().each("parsers", handler.parsers).take();
  }

  Node node_ = map_node();
};

Node Map::node_of(const DataLayerConfig& layer) {
  Map map;
  if (!layer.inject_defaults) map.put("injectDefaults", flag_node(false));
  map.each("sources", layer.sources)
      .if_there("discovery", layer.discovery)
      .if_there("peerDiscovery", layer.peer_discovery)
      .text("crossReplicaSyncerPluginRef", layer.cross_replica_syncer)
      .duration("crossReplicaSyncInterval", layer.cross_replica_sync_interval)
      .duration("crossReplicaPublishTimeout", layer.cross_replica_publish_timeout)
      .if_there("crossReplica", layer.cross_replica);
  return map.take();
}

Node Map::node_of(const PriorityBandConfig& band) {
  return Map()
      .put("priority", whole_node(band.priority))
      .quantity("maxBytes", band.max_bytes)
      .quantity("maxRequests", band.max_requests)
      .text("fairnessPolicyRef", band.fairness_policy_ref)
      .text("orderingPolicyRef", band.ordering_policy_ref)
      .duration("defaultRequestTTL", band.default_request_ttl)
      .take();
}

Node Map::node_of(const FlowControlConfig& flow) {
  Map map;
  map.quantity("maxBytes", flow.max_bytes)
      .quantity("maxRequests", flow.max_requests)
      .duration("defaultRequestTTL", flow.default_request_ttl)
      .duration("noEndpointRequestTTL", flow.no_endpoint_request_ttl)
      .if_there("defaultPriorityBand", flow.default_priority_band)
      .if_there("defaultNegativePriorityBand", flow.default_negative_priority_band)
      .each("priorityBands", flow.priority_bands)
      .text("usageLimitPolicyPluginRef", flow.usage_limit_policy)
      .text("bandSelectionPolicyPluginRef", flow.band_selection_policy)
      .if_there("saturationDetector", flow.saturation_detector);
  if (flow.enable_eviction) map.put("enableEviction", flag_node(true));
  return map.take();
}

// A key or text as YAML, quoted where YAML 1.1 or its syntax would read something else.
std::string scalar_text(std::string_view text) {
  Node plain;
  resolve_plain(std::string(text), plain);
  constexpr std::string_view kLead = "-?:,[]{}#&*!|>'\"%@` ";
  const bool safe = plain.is_string() && kLead.find(text.front()) == std::string_view::npos &&
                    text.back() != ' ' && text.back() != ':' && text != "<<" &&
                    text.find(": ") == std::string_view::npos &&
                    text.find(" #") == std::string_view::npos &&
                    std::ranges::none_of(text, [](char c) {
                      const auto byte = static_cast<unsigned char>(c);
                      return byte < 0x20 || byte >= 0x7F;  // control characters, or perhaps
                    });
  // Double-quoted YAML takes every escape of a JSON string.
  return safe ? std::string(text) : to_json(text_node(text));
}

void append_yaml(std::string& out, const Node& node, std::size_t indent);

void append_child(std::string& out, const Node& node, std::size_t indent) {
  const bool sequence = node.is_sequence() && !node.items.empty();
  if (sequence || (node.is_mapping() && !node.members.empty())) {
    out += '\n';
    append_yaml(out, node, sequence ? indent : indent + 2);
  } else {
    out += ' ';
    append_yaml(out, node, indent);
  }
}

void append_members(std::string& out, const Node& node, std::size_t indent, bool first_indented) {
  for (const Member& member : node.members) {
    if (first_indented) out.append(indent, ' ');
    first_indented = true;
    const std::string key = scalar_text(member.key);
    // Longer keys have to say that they are keys: readers look back no further than 1024.
    out += key.size() <= 1000 ? key : "? " + key + "\n" + std::string(indent, ' ');
    out += ':';
    append_child(out, member.value, indent);
  }
}

void append_items(std::string& out, const Node& node, std::size_t indent) {
  for (const Node& item : node.items) {
    out.append(indent, ' ');
    out += "- ";
    if (item.is_mapping() && !item.members.empty()) {
      append_members(out, item, indent + 2, false);
    } else if (item.is_sequence() && !item.items.empty()) {
      out += to_json(item) + "\n";
    } else {
      append_yaml(out, item, indent + 2);
    }
  }
}

void append_yaml(std::string& out, const Node& node, std::size_t indent) {
  if (node.is_mapping() && !node.members.empty()) {
    append_members(out, node, indent, true);
  } else if (node.is_sequence() && !node.items.empty()) {
    append_items(out, node, indent);
  } else {
    out += (node.is_string() ? scalar_text(node.text) : to_json(node)) + "\n";
  }
}

}  // namespace

Node to_node(const EndpointPickerConfig& config) {
  return Map()
      .text("apiVersion", config.api_version)
      .text("kind", config.kind)
      .each("featureGates", config.feature_gates)
      .each("plugins", config.plugins)
      .each("schedulingProfiles", config.scheduling_profiles)
      .if_there("dataLayer", config.data_layer)
      .if_there("flowControl", config.flow_control)
      .if_there("requestHandler", config.request_handler)
      .take();
}

std::string to_yaml(const Node& node) {
  std::string out;
  append_yaml(out, node, 0);
  return out;
}

}  // namespace pointsman
