#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "pointsman/config/node.h"
#include "pointsman/config/params.h"
#include "pointsman/config/quantity.h"

namespace pointsman {

// Sections of EndpointPickerConfig that are not about scheduling: data layer, flow control and
// request handler. Included by endpoint_picker_config.h.

// `{pluginRef: <name>}`.
struct PluginRef {
  std::string plugin_ref;
  Place place;

  static constexpr auto fields() {
    return std::tuple{field("pluginRef", &PluginRef::plugin_ref, "Name of a plugin.")};
  }
};

struct DataSource {
  std::string plugin_ref;
  std::vector<PluginRef> extractors;
  Place place;

  static constexpr auto fields() {
    using P = DataSource;
    return std::tuple{field("pluginRef", &P::plugin_ref, "Name of a data source plugin."),
                      field("extractors", &P::extractors, "What reads values from the source.")};
  }
};

// Written as `{pluginRef: <name>}`, since llm-d.ai/v1 as `{endpoints: {pluginRef: <name>}}`.
struct DiscoveryConfig {
  std::string plugin_ref;
  std::optional<PluginRef> endpoints;
  Place place;

  const std::string& name() const { return endpoints ? endpoints->plugin_ref : plugin_ref; }

  static constexpr auto fields() {
    using P = DiscoveryConfig;
    return std::tuple{field("pluginRef", &P::plugin_ref, "Name of a discovery plugin."),
                      field("endpoints", &P::endpoints, "The same since llm-d.ai/v1.")};
  }
};

// Since llm-d.ai/v1; before, three fields of DataLayerConfig.
struct CrossReplicaConfig {
  std::string syncer;
  std::optional<std::chrono::nanoseconds> sync_interval;
  std::optional<std::chrono::nanoseconds> publish_timeout;

  static constexpr auto fields() {
    using P = CrossReplicaConfig;
    return std::tuple{
        field("syncerPluginRef", &P::syncer, "Shares state of replicas."),
        field("syncInterval", &P::sync_interval, "How often; 200ms."),
        field("publishTimeout", &P::publish_timeout, "How long one publication may take."),
    };
  }
};

struct DataLayerConfig {
  bool inject_defaults = true;
  std::vector<DataSource> sources;
  std::optional<DiscoveryConfig> discovery;
  std::optional<PluginRef> peer_discovery;
  std::string cross_replica_syncer;
  std::optional<std::chrono::nanoseconds> cross_replica_sync_interval;
  std::optional<std::chrono::nanoseconds> cross_replica_publish_timeout;
  std::optional<CrossReplicaConfig> cross_replica;

  static constexpr auto fields() {
    using P = DataLayerConfig;
    return std::tuple{
        field("injectDefaults", &P::inject_defaults, "Whether to add the metrics source."),
        field("sources", &P::sources, "Where signals about endpoints come from."),
        field("discovery", &P::discovery, "Finds endpoints without Kubernetes."),
        field("peerDiscovery", &P::peer_discovery, "Accepted; without effect."),
        field("crossReplicaSyncerPluginRef", &P::cross_replica_syncer, "Shares state of replicas."),
        field("crossReplicaSyncInterval", &P::cross_replica_sync_interval, "How often; 200ms."),
        field("crossReplicaPublishTimeout", &P::cross_replica_publish_timeout,
              "How long one publication may take."),
        field("crossReplica", &P::cross_replica, "The same three since llm-d.ai/v1."),
    };
  }
};

struct PriorityBandConfig {
  int priority = 0;
  std::optional<Quantity> max_bytes;
  std::optional<Quantity> max_requests;
  std::string fairness_policy_ref;
  std::string ordering_policy_ref;
  std::optional<std::chrono::nanoseconds> default_request_ttl;
  Place place;

  static constexpr auto fields() {
    using P = PriorityBandConfig;
    return std::tuple{
        field("priority", &P::priority, "Higher goes first."),
        field("maxBytes", &P::max_bytes, "Bytes that may wait; 1000000000."),
        field("maxRequests", &P::max_requests, "Requests that may wait; 5000."),
        field("fairnessPolicyRef", &P::fairness_policy_ref, "global-strict-fairness-policy."),
        field("orderingPolicyRef", &P::ordering_policy_ref, "fcfs-ordering-policy."),
        field("defaultRequestTTL", &P::default_request_ttl, "Overrides flowControl's own."),
    };
  }
};

struct FlowControlConfig {
  std::optional<Quantity> max_bytes;
  std::optional<Quantity> max_requests;
  std::optional<std::chrono::nanoseconds> default_request_ttl;
  std::optional<std::chrono::nanoseconds> no_endpoint_request_ttl;
  std::optional<PriorityBandConfig> default_priority_band;
  std::optional<PriorityBandConfig> default_negative_priority_band;
  std::vector<PriorityBandConfig> priority_bands;
  std::string usage_limit_policy;
  std::string band_selection_policy;
  std::optional<PluginRef> saturation_detector;
  bool enable_eviction = false;
  Place place;

  static constexpr auto fields() {
    using P = FlowControlConfig;
    return std::tuple{
        field("maxBytes", &P::max_bytes, "Bytes that may wait in all bands; unlimited."),
        field("maxRequests", &P::max_requests, "Requests that may wait in all bands; unlimited."),
        field("defaultRequestTTL", &P::default_request_ttl, "How long a request waits; 60s."),
        field("noEndpointRequestTTL", &P::no_endpoint_request_ttl, "The same, without endpoints."),
        field("defaultPriorityBand", &P::default_priority_band, "Of priorities not listed."),
        field("defaultNegativePriorityBand", &P::default_negative_priority_band,
              "Of negative priorities not listed."),
        field("priorityBands", &P::priority_bands, "One entry per priority."),
        field("usageLimitPolicyPluginRef", &P::usage_limit_policy, "static-usage-limit-policy."),
        field("bandSelectionPolicyPluginRef", &P::band_selection_policy, "Highest priority first."),
        field("saturationDetector", &P::saturation_detector, "Honoured without the gate as well."),
        field("enableEviction", &P::enable_eviction, "Whether running requests may be evicted."),
    };
  }
};

struct RequestHandlerConfig {
  std::vector<PluginRef> parsers;
  std::optional<PluginRef> parser;  // deprecated; becomes the only entry of `parsers`

  static constexpr auto fields() {
    using P = RequestHandlerConfig;
    return std::tuple{field("parsers", &P::parsers, "Parsers, asked in this order."),
                      field("parser", &P::parser, "Deprecated: use parsers.")};
  }
};

}  // namespace pointsman
