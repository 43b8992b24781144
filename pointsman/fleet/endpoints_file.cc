#include "pointsman/fleet/endpoints_file.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/config/node.h"
#include "pointsman/config/yaml.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/http.h"

namespace pointsman {
namespace {

std::unexpected<Error> wrong_type(const Node& node, std::string_view what, std::string_view want) {
  return fail(Code::invalid_config, "line " + std::to_string(node.line) + ": " + std::string(what) +
                                        " must be " + std::string(want) + ", not " +
                                        std::string(json_kind(node)));
}

// A later spelling of the key wins, as with the reference's decoder.
const Node* member(const Node& mapping, std::string_view key) {
  const Node* found = nullptr;
  for (const Member& m : mapping.members) {
    if (same_name(m.key, key)) found = &m.value;
  }
  return found;
}

Result<std::string> text_member(const Node& entry, std::string_view key) {
  const Node* const value = member(entry, key);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return wrong_type(*value, key, "a string (in quotes)");
  return value->text;
}

Result<std::string> port_member(const Node& entry) {
  const Node* const value = member(entry, "port");
  if (value == nullptr || value->is_null()) return std::string();
  if (value->kind == Node::Kind::integer) return std::to_string(value->integer);
  if (!value->is_string()) return wrong_type(*value, "port", "a string or a whole number");
  return value->text;
}

Result<std::vector<std::pair<std::string, std::string>>> labels_member(const Node& entry) {
  std::vector<std::pair<std::string, std::string>> labels;
  const Node* const value = member(entry, "labels");
  if (value == nullptr || value->is_null()) return labels;
  if (!value->is_mapping()) return wrong_type(*value, "labels", "an object");
  for (const Member& label : value->members) {
    if (!label.value.is_string() && !label.value.is_null()) {
      return wrong_type(label.value, "label " + label.key, "a string (in quotes)");
    }
    labels.emplace_back(label.key, label.value.is_null() ? std::string() : label.value.text);
  }
  return labels;
}

// Fills host and address; says what is wrong otherwise.
std::optional<std::string> set_host(Endpoint& endpoint, const std::string& host, HostRule rule) {
  const auto ip = Address::parse(std::string_view(host), endpoint.port);
  const bool bracketed = host.starts_with('[');
  endpoint.host = host;
  if (ip && !bracketed && (rule == HostRule::any || !ip->v6)) {
    endpoint.address = ip->host();
    return std::nullopt;
  }
  if (rule == HostRule::ipv4) return "invalid IPv4 address \"" + host + "\"";
  if (!is_host_name(host)) return "invalid host \"" + host + "\"";
  return std::nullopt;
}

// Where each id stands among the endpoints read so far.
using Places = std::unordered_map<std::string, std::size_t>;

// One entry: into `file` as an endpoint or as a bad one.
Result<void> read_entry(const Node& entry, HostRule rule, EndpointsFile& file, Places& places) {
  if (entry.is_null()) return {};
  if (!entry.is_mapping()) return wrong_type(entry, "an endpoint", "an object");
  POINTSMAN_TRY(name, text_member(entry, "name"));
  POINTSMAN_TRY(ns, text_member(entry, "namespace"));
  POINTSMAN_TRY(host, text_member(entry, "address"));
  POINTSMAN_TRY(port, port_member(entry));
  POINTSMAN_TRY(labels, labels_member(entry));

  Endpoint endpoint;
  endpoint.name = name;
  endpoint.ns = ns.empty() ? "default" : ns;
  endpoint.labels = std::move(labels);
  endpoint.port = number_in<std::uint16_t>(port).value_or(0);
  std::optional<std::string> problem = set_host(endpoint, host, rule);
  if (!problem && endpoint.port == 0) problem = "invalid port \"" + port + "\"";
  if (!problem && name.empty()) problem = "name is empty";
  endpoint.complete();
  if (problem) {
    file.bad.push_back({endpoint.id, "endpoint \"" + name + "\": " + *problem});
    return {};
  }
  const auto [place, fresh] = places.try_emplace(endpoint.id, file.endpoints.size());
  if (fresh) file.endpoints.emplace_back();
  file.endpoints[place->second] = std::move(endpoint);
  return {};
}

}  // namespace

Result<EndpointsFile> EndpointsFile::parse(std::string_view text, HostRule rule) {
  const auto document = read_yaml(text, {.bytes = kMaxBytes});
  if (!document) return fail(Code::invalid_config, to_string(document.error()));
  EndpointsFile file;
  if (document->root.is_null()) return file;
  if (!document->root.is_mapping()) {
    return wrong_type(document->root, "an endpoints file", "an object");
  }
  const Node* const entries = member(document->root, "endpoints");
  if (entries == nullptr || entries->is_null()) return file;
  if (!entries->is_sequence()) return wrong_type(*entries, "endpoints", "a list");
  Places places;
  for (const Node& entry : entries->items) {
    if (auto read = read_entry(entry, rule, file, places); !read) {
      return std::unexpected(std::move(read).error());
    }
  }
  return file;
}

bool is_host_name(std::string_view host) {
  constexpr std::size_t kMaxName = 253;
  if (host.empty() || host.size() > kMaxName || host.contains("..")) return false;
  if (host.front() == '.' || host.front() == '-') return false;
  bool letter = false;
  for (const char c : host) {
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool other = (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!alpha && !other) return false;
    letter = letter || alpha;
  }
  return letter || !host.contains('.');
}

}  // namespace pointsman
