#include "pointsman/app/rename_actions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/config/renames.h"

namespace pointsman {
namespace {

using Editor = DocumentEditor;

constexpr std::string_view kApproxProducer = "approx-prefix-cache-producer";
constexpr double kBytesPerToken = 4.0;        // old sizes of text were in characters
constexpr double kPeakPrefillTokens = 15928;  // per second; the affinity filter's own default

std::string path_of(const Node& plugin, std::string_view field = {}) {
  std::string path = "plugins[" + Editor::name_of(plugin) + "]";
  if (!field.empty()) path += ".parameters." + std::string(field);
  return path;
}

Place place_of(const Member& member) {
  return {member.line, member.column};
}

// Characters as tokens, rounded up by `up`, at least one.
Node tokens_node(const Node& characters, bool up) {
  const double tokens = characters.number / kBytesPerToken;
  return whole_node(std::max<std::int64_t>(
      1, static_cast<std::int64_t>(up ? std::ceil(tokens) : std::floor(tokens))));
}

bool version_one(Editor& document) {
  const Node* const version = document.find("apiVersion");
  return version != nullptr && version->is_string() && version->text == "llm-d.ai/v1";
}

// The producer that the scorer reads, or would read, and whether it is there.
Node* producer_of(Editor& document, const Node& scorer) {
  const Node* const parameters = scorer.find("parameters");
  const Node* const name =
      parameters == nullptr ? nullptr : parameters->find("prefixMatchInfoProducerName");
  const bool named = name != nullptr && name->is_string() && !name->text.empty();
  return document.plugin_named(named ? std::string_view(name->text) : kApproxProducer);
}

void give(Node& producer, std::vector<Member> fields) {
  Node* const parameters = Editor::section(producer, "parameters");
  if (parameters == nullptr) return;
  for (Member& field : fields) {
    if (Editor::find(*parameters, field.key) != nullptr) continue;  // the producer's own wins
    parameters->members.push_back({.key = field.key, .value = std::move(field.value)});
  }
}

std::vector<Member> take_index_fields(Node& parameters, std::string& moved) {
  constexpr std::array<std::string_view, 7> kFields{"hashBlockSize",
                                                    "blockSize",
                                                    "blockSizeTokens",
                                                    "maxPrefixBlocksToMatch",
                                                    "maxPrefixTokensToMatch",
                                                    "lruCapacityPerServer",
                                                    "autoTune"};
  std::vector<Member> fields;
  for (const std::string_view name : kFields) {
    auto field = Editor::take(parameters, name);
    if (!field) continue;
    if (!moved.empty()) moved += ", ";
    moved += name;
    const bool characters = name == "hashBlockSize" || name == "blockSize";
    if (characters && field->value.kind == Node::Kind::integer) {
      field->key = "blockSizeTokens";
      field->value = tokens_node(field->value, false);
      moved += " (as blockSizeTokens " + field->value.text + ", characters / 4)";
    }
    fields.push_back({.key = field->key, .value = std::move(field->value)});
  }
  return fields;
}

bool same_parameters(const Node& producer, const std::vector<Member>& fields) {
  const Node* const there = producer.find("parameters");
  const Node wanted = map_node(fields);
  return (there == nullptr ? "{}" : to_json(*there)) == to_json(wanted);
}

}  // namespace

void change_type(const Rename& row, DocumentEditor& document) {
  for (Node* const plugin : document.plugins(row.from)) {
    document.translated(row, plugin->place(), path_of(*plugin));
    document.change_type(*plugin, row.to);
  }
}

// The type is unknown, which is the problem; the row has the hint.
void gone(const Rename& row, DocumentEditor& document) {
  for (const Node* const plugin : document.plugins(row.from)) {
    document.refused(row, plugin->place(), path_of(*plugin));
  }
}

void drop_gate(const Rename& row, DocumentEditor& document) {
  Node* const gates = document.find("featureGates");
  if (gates == nullptr || !gates->is_sequence()) return;
  std::erase_if(gates->items, [&](const Node& gate) {
    const bool named =
        gate.is_string() && std::string_view(gate.text).substr(0, gate.text.find('=')) == row.from;
    if (named) document.translated(row, gate.place(), "featureGates");
    return named;
  });
  if (gates->items.empty()) Editor::take(document.root(), "featureGates");
}

// A parameter has another name and the same meaning.
void rename_parameter(const Rename& row, DocumentEditor& document) {
  for (Node* const plugin : document.plugins(row.in)) {
    Node* const parameters = Editor::parameters(*plugin);
    if (parameters == nullptr || Editor::find(*parameters, row.to) != nullptr) continue;
    Member* const member = Editor::member(*parameters, row.from);
    if (member == nullptr) continue;
    document.translated(row, place_of(*member), path_of(*plugin, row.from));
    member->key = row.to;
  }
}

// A parameter asks for something that is gone; that it is unknown, or its plugin, is the problem.
void refuse_parameter(const Rename& row, DocumentEditor& document) {
  for (Node* const plugin : document.plugins(row.in)) {
    Node* const parameters = Editor::parameters(*plugin);
    const Member* const member =
        parameters == nullptr ? nullptr : Editor::member(*parameters, row.from);
    if (member == nullptr) continue;
    document.refused(row, place_of(*member), path_of(*plugin, row.from));
  }
}

void rename_data(const Rename& row, DocumentEditor& document) {
  Member* const data = Editor::member(document.root(), "data");
  if (data == nullptr || document.find("dataLayer") != nullptr) return;
  document.translated(row, place_of(*data), "data");
  data->key = "dataLayer";
}

void move_detector(const Rename& row, DocumentEditor& document) {
  Node* const detector = document.find("saturationDetector");
  if (detector == nullptr || !detector->is_mapping()) return;
  if (Editor::find(*detector, "pluginRef") == nullptr) return;
  Node* const flow = Editor::section(document.root(), "flowControl");
  if (flow == nullptr) return;
  auto old = Editor::take(document.root(), "saturationDetector");
  document.translated(row, place_of(*old), "saturationDetector");
  Node* const written = document.find("flowControl");
  if (Editor::find(*written, "saturationDetector") != nullptr) return;  // it wins
  written->members.push_back({.key = "saturationDetector", .value = std::move(old->value)});
}

// Thresholds stood in the section itself.
void name_detector(const Rename& row, DocumentEditor& document) {
  constexpr std::string_view kDetector = "utilization-detector";
  constexpr std::array<std::string_view, 3> kFields{"queueDepthThreshold", "kvCacheUtilThreshold",
                                                    "metricsStalenessThreshold"};
  Node* const section = document.find("saturationDetector");
  if (section == nullptr || !section->is_mapping()) return;
  Node parameters = map_node();
  for (const std::string_view field : kFields) {
    auto value = Editor::take(*section, field);
    if (!value) continue;
    // A bare number was meant as milliseconds.
    const bool number = value->value.kind == Node::Kind::integer;
    if (field == "metricsStalenessThreshold" && number) {
      value->value = text_node(std::to_string(value->value.integer) + "ms");
    }
    Editor::set(parameters, field, std::move(value->value));
  }
  if (parameters.members.empty()) return;
  const Place place = section->place();
  document.translated(row, place, "saturationDetector");
  if (section->members.empty()) Editor::take(document.root(), "saturationDetector");
  if (document.plugin_named(kDetector) == nullptr) {
    document.add_plugin(kDetector, kDetector, std::move(parameters), place);
  }
}

void move_discovery(const Rename& row, DocumentEditor& document) {
  Node* const layer = document.find("dataLayer");
  Node* const discovery = layer == nullptr ? nullptr : Editor::find(*layer, "discovery");
  if (!version_one(document) || discovery == nullptr || !discovery->is_mapping()) return;
  auto ref = Editor::take(*discovery, "pluginRef");
  if (!ref) return;
  document.translated(row, place_of(*ref), "dataLayer.discovery.pluginRef");
  if (Editor::find(*discovery, "endpoints") != nullptr) return;
  Editor::set(*discovery, "endpoints",
              map_node({{.key = "pluginRef", .value = std::move(ref->value)}}));
}

void move_replica_field(const Rename& row, DocumentEditor& document) {
  Node* const layer = document.find("dataLayer");
  if (!version_one(document) || layer == nullptr || !layer->is_mapping()) return;
  auto old = Editor::take(*layer, row.from);
  if (!old) return;
  document.translated(row, place_of(*old), "dataLayer." + std::string(row.from));
  Node* const section = Editor::section(*layer, "crossReplica");
  if (section == nullptr || Editor::find(*section, row.to) != nullptr) return;
  Editor::set(*section, row.to, std::move(old->value));
}

void move_index(const Rename& row, DocumentEditor& document) {
  constexpr std::string_view kScorer = "prefix-cache-scorer";
  const std::size_t count = document.plugins(kScorer).size();
  bool made = false;  // the default producer, by this row
  for (std::size_t i = 0; i < count; ++i) {
    Node& scorer = *document.plugins(kScorer)[i];
    Node* const parameters = Editor::parameters(scorer);
    if (parameters == nullptr || Editor::find(*parameters, "mode") != nullptr) continue;
    const Place place = parameters->place();
    std::string moved;
    std::vector<Member> fields = take_index_fields(*parameters, moved);
    if (fields.empty()) continue;
    document.translated(row, place, path_of(scorer, ""), moved);
    Node* const producer = producer_of(document, scorer);
    const bool shared = producer == nullptr || !made || same_parameters(*producer, fields);
    std::string name(kApproxProducer);
    if (!shared) {  // another scorer with another index
      name = Editor::name_of(scorer) + "-producer";
      Editor::set(*parameters, "prefixMatchInfoProducerName", text_node(name));
    }
    Editor::tidy_parameters(scorer);
    if (producer != nullptr && shared) {
      if (!made) give(*producer, std::move(fields));
    } else {
      document.add_plugin(kApproxProducer, name, map_node(std::move(fields)), place);
      made = true;
    }
  }
}

// The handler decided by a threshold in characters; today a decider plugin does, in tokens.
void declare_decider(const Rename& row, DocumentEditor& document) {
  constexpr std::string_view kHandler = "pd-profile-handler";
  constexpr std::string_view kAlways = "always-disagg-pd-decider";
  constexpr std::string_view kByPrefix = "prefix-based-pd-decider";
  if (document.plugins(kHandler).empty()) return;
  Node& handler = *document.plugins(kHandler).front();
  Node* parameters = Editor::parameters(handler);
  std::optional<Member> threshold;
  std::optional<Member> block;
  const Node* decider = nullptr;
  if (parameters != nullptr) {
    threshold = Editor::take(*parameters, "threshold");
    block = Editor::take(*parameters, "hashBlockSize");
    decider = Editor::find(*parameters, "deciderPluginName");
  }
  const std::string wanted = decider == nullptr ? std::string(kByPrefix) : decider->text;
  const bool declared = document.plugin_named(wanted) != nullptr;
  if (!threshold && !block && (declared || decider != nullptr)) return;

  const double characters = threshold ? threshold->value.number : 0.0;
  const std::string_view made = characters > 0 ? kByPrefix : kAlways;
  std::string more = "declared " + std::string(declared ? wanted : made);
  Node made_parameters = map_node();
  if (!declared && characters > 0) {
    Node tokens = tokens_node(threshold->value, true);
    more += " with nonCachedTokens " + tokens.text + " (threshold / 4, as that was in characters)";
    Editor::set(made_parameters, "nonCachedTokens", std::move(tokens));
  }
  const Place place = threshold ? place_of(*threshold) : handler.place();
  document.translated(row, place, path_of(handler, threshold ? "threshold" : ""), more);
  if (!declared && decider == nullptr && made != kByPrefix) {
    parameters = Editor::section(handler, "parameters");
    if (parameters != nullptr) Editor::set(*parameters, "deciderPluginName", text_node(made));
  }
  Editor::tidy_parameters(handler);
  if (!declared) {
    document.add_plugin(made, decider == nullptr ? std::string(made) : wanted,
                        std::move(made_parameters), place);
  }
}

void split_latency(const Rename& row, DocumentEditor& document) {
  constexpr std::string_view kProducer = "predicted-latency-producer";
  constexpr std::array<std::string_view, 8> kOfTheScorer{
      "headroomSelectionStrategy", "ttftWeight",           "tpotWeight",
      "headroomTTFTWeight",        "headroomTPOTWeight",   "compositeKVWeight",
      "compositeQueueWeight",      "compositePrefixWeight"};
  Node made_parameters = map_node();
  Place place;
  for (Node* const plugin : document.plugins("predicted-latency-scorer")) {
    place = plugin->place();
    document.translated(row, place, path_of(*plugin));
    if (Node* const parameters = Editor::parameters(*plugin)) {
      std::vector<Member> left;
      for (Member& member : parameters->members) {
        if (std::ranges::find(kOfTheScorer, member.key) != kOfTheScorer.end()) {
          left.push_back(std::move(member));
        } else if (Editor::find(made_parameters, member.key) == nullptr) {
          made_parameters.members.push_back({.key = member.key, .value = std::move(member.value)});
        }
      }
      parameters->members = std::move(left);
      Editor::tidy_parameters(*plugin);
    }
    document.change_type(*plugin, "latency-scorer");
  }
  if (place.line > 0 && document.plugin_named(kProducer) == nullptr) {
    document.add_plugin(kProducer, kProducer, std::move(made_parameters), place);
  }
}

// A penalty in tokens is the time that the engine needs to prefill them.
void time_penalty(const Rename& row, DocumentEditor& document) {
  for (Node* const plugin : document.plugins("prefix-cache-affinity-filter")) {
    Node* const parameters = Editor::parameters(*plugin);
    if (parameters == nullptr) continue;
    const auto tokens = Editor::take(*parameters, "maxTokensInFlightPenalty");
    if (!tokens) continue;
    const Node* const speed = Editor::find(*parameters, "peakPrefillThroughput");
    const Node* const limit = Editor::find(*parameters, "maxTTFTPenaltyMs");
    const double per_second =
        speed != nullptr && speed->number > 0 ? speed->number : kPeakPrefillTokens;
    std::string more = "left out, as maxTTFTPenaltyMs is set";
    if (limit == nullptr || limit->number == 0.0) {
      Node time = whole_node(std::llround(tokens->value.number * 1000.0 / per_second));
      more = "maxTTFTPenaltyMs " + time.text;
      Editor::set(*parameters, "maxTTFTPenaltyMs", std::move(time));
    }
    document.translated(row, place_of(*tokens), path_of(*plugin, tokens->key), more);
    Editor::tidy_parameters(*plugin);
  }
}

void refuse_tokenizer_field(const Rename& row, DocumentEditor& document) {
  for (Node* const plugin : document.plugins("precise-prefix-cache-scorer")) {
    Node* const parameters = Editor::parameters(*plugin);
    Node* const indexer =
        parameters == nullptr ? nullptr : Editor::find(*parameters, "indexerConfig");
    if (indexer == nullptr || !indexer->is_mapping()) continue;
    Node* const pool = Editor::find(*indexer, "tokenizersPoolConfig");
    Node* const where = row.in == "pool" ? pool : indexer;
    const Member* const member =
        where == nullptr || !where->is_mapping() ? nullptr : Editor::member(*where, row.from);
    if (member == nullptr) continue;
    document.refused(row, place_of(*member), path_of(*plugin, row.from));
  }
}

// The client of the render service was named by its transport for one release.
void rename_render_url(const Rename& row, DocumentEditor& document) {
  for (Node* const plugin : document.plugins("token-producer")) {
    Node* const parameters = Editor::parameters(*plugin);
    if (parameters == nullptr) continue;
    Node* const vllm = Editor::find(*parameters, "vllm");
    Member* const inner =
        vllm == nullptr || !vllm->is_mapping() ? nullptr : Editor::member(*vllm, "http");
    if (inner != nullptr && Editor::find(*vllm, "url") == nullptr) {
      document.translated(row, place_of(*inner), path_of(*plugin, "vllm.http"));
      inner->key = "url";
    }
    Member* const outer = Editor::member(*parameters, "http");
    if (outer != nullptr && vllm == nullptr) {
      document.translated(row, place_of(*outer), path_of(*plugin, "http"));
      outer->key = "vllm";
    }
  }
}

}  // namespace pointsman
