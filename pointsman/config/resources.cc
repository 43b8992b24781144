#include "pointsman/config/resources.h"

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/config/nearest.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

constexpr std::string_view kVersion = "llm-d.ai/v1alpha2";
constexpr std::string_view kOldVersion = "inference.networking.x-k8s.io/v1alpha2";
constexpr std::string_view kObjective = "InferenceObjective";
constexpr std::string_view kRewrite = "InferenceModelRewrite";
constexpr std::size_t kMostProblems = 100;  // a document of garbage need not be listed whole
constexpr std::size_t kLongestName = 253;   // of an object of Kubernetes
constexpr std::array<std::string_view, 2> kKinds{kObjective, kRewrite};

// One object as far as its kind does not matter.
template <typename Resource>
struct Document {
  std::string api_version;
  std::string kind;
  Node metadata;
  typename Resource::Spec spec;
  Node status;

  static constexpr auto fields() {
    using P = Document;
    return std::tuple{
        field("apiVersion", &P::api_version, ""), field("kind", &P::kind, ""),
        field("metadata", &P::metadata, ""),      field("spec", &P::spec, ""),
        field("status", &P::status, ""),  // never read
    };
  }
};

// Exactly two digits, or -1.
int two_digits(std::string_view text, std::size_t at) {
  if (at + 2 > text.size()) return -1;
  const auto value = number_in<std::uint8_t>(text.substr(at, 2));
  return value ? *value : -1;
}

// RFC 3339, such as 2026-01-31T12:00:00Z or ...+01:00; fractions of a second do not count.
std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  using namespace std::chrono;
  constexpr std::size_t kSeconds = 19;  // up to them
  const int century = two_digits(text, 0);
  const int year_of = two_digits(text, 2);
  const year_month_day date(year(century * 100 + year_of),
                            month(static_cast<unsigned>(two_digits(text, 5))),
                            day(static_cast<unsigned>(two_digits(text, 8))));
  const int hour = two_digits(text, 11);
  const int minute = two_digits(text, 14);
  const int second = two_digits(text, 17);
  const bool shaped = text.size() > kSeconds && text[4] == '-' && text[7] == '-' &&
                      (text[10] == 'T' || text[10] == 't') && text[13] == ':' && text[16] == ':';
  if (!shaped || century < 0 || year_of < 0 || !date.ok() || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  std::string_view zone = text.substr(kSeconds);
  if (zone.starts_with('.')) {
    zone.remove_prefix(1);
    const auto digits = zone.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    zone.remove_prefix(digits);
  }
  const auto local = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  if (zone == "Z" || zone == "z") return local;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const int zone_hours = two_digits(zone, 1);
  const int zone_minutes = two_digits(zone, 4);
  if (zone_hours < 0 || zone_hours > 23 || zone_minutes < 0 || zone_minutes > 59) {
    return std::nullopt;
  }
  const auto offset = hours(zone_hours) + minutes(zone_minutes);
  return zone[0] == '+' ? local - offset : local + offset;
}

// Reads the documents of one text, one after the other.
class ResourceReader {
 public:
  void document(const YamlDocument& document) {
    if (document.root.is_null()) return;
    for (const Diagnostic& twice : document.duplicates) problem(twice);
    object(document.root);
  }

  std::expected<Resources, Diagnostics> take() {
    if (!problems_.empty()) return std::unexpected(std::move(problems_));
    return std::move(resources_);
  }

 private:
  void problem(Diagnostic diagnostic) {
    if (problems_.size() < kMostProblems) problems_.push_back(std::move(diagnostic));
  }
  void problem(const Place& place, std::string path, const std::string& text,
               std::string hint = {}) {
    std::string whole = path.empty() ? text : path + ": " + text;
    problem({.path = std::move(path),
             .line = place.line,
             .column = place.column,
             .text = std::move(whole),
             .hint = std::move(hint)});
  }

  // The text at a key of an object, empty when it is absent. Anything else is a problem.
  std::string text_at(const Node& object, std::string_view path, std::string_view key) {
    const Node* const node = object.find(key);
    if (node == nullptr || node->is_null()) return {};
    if (node->is_string()) return node->text;
    problem(node->place(), std::string(path) + std::string(key),
            "must be a string, not " + std::string(json_kind(*node)));
    return {};
  }

  void object(const Node& root) {
    if (!root.is_mapping()) {
      return problem(root.place(), "",
                     "an object is expected, not " + std::string(json_kind(root)));
    }
    const std::size_t before = problems_.size();
    const std::string kind = text_at(root, "", "kind");
    const std::string version = text_at(root, "", "apiVersion");
    if (problems_.size() > before) return;
    const bool ours = version == kVersion || version == kOldVersion;
    if ((version == "v1" && kind == "List") || (ours && (kind == std::string(kObjective) + "List" ||
                                                         kind == std::string(kRewrite) + "List"))) {
      return list(root);
    }
    if (!ours || (kind != kObjective && kind != kRewrite)) return unknown(root, version, kind);
    if (version == kOldVersion) {
      resources_.warnings.push_back({.path = "apiVersion",
                                     .line = root.line,
                                     .column = root.column,
                                     .text = "DEPRECATION: apiVersion " + std::string(kOldVersion) +
                                             " is deprecated; use " + std::string(kVersion)});
    }
    if (kind == kObjective) {
      if (auto read = resource<InferenceObjective>(root, kObjective)) {
        resources_.objectives.push_back(*std::move(read));
      }
    } else if (auto read = resource<InferenceModelRewrite>(root, kRewrite)) {
      if (rules(root, *read)) resources_.rewrites.push_back(*std::move(read));
    }
  }

  void list(const Node& root) {
    const Node* const items = root.find("items");
    if (items == nullptr || items->is_null()) return;
    if (!items->is_sequence()) return problem(items->place(), "items", "must be a list");
    for (const Node& item : items->items) object(item);
  }

  void unknown(const Node& root, const std::string& version, const std::string& kind) {
    const bool of_kind = version == kVersion || version == kOldVersion;
    const Node* const culprit = root.find(of_kind ? "kind" : "apiVersion");
    std::string hint = of_kind ? suggestion(kind, kKinds) : "";
    if (hint.empty()) {
      hint = "write kind InferenceObjective or InferenceModelRewrite of apiVersion " +
             std::string(kVersion);
    }
    problem(culprit == nullptr ? root.place() : culprit->place(), "",
            "no kind " + in_quotes(kind) + " is registered for version " + in_quotes(version),
            std::move(hint));
  }

  template <typename Resource>
  std::optional<Resource> resource(const Node& root, std::string_view kind) {
    const std::size_t before = problems_.size();
    Document<Resource> document;
    Reader reader("", Dialect::document, kind);
    Codec<Document<Resource>>::read(reader, root, document, nullptr);
    for (const Diagnostic& each : reader.problems()) problem(each);
    for (const Diagnostic& each : reader.unknown_fields()) problem(each);
    Resource read;
    read.meta = meta(root, document.metadata, kind);
    read.spec = std::move(document.spec);
    pool(root, read.spec.pool);
    if (problems_.size() > before) return std::nullopt;
    return read;
  }

  ResourceMeta meta(const Node& root, const Node& written, std::string_view kind) {
    ResourceMeta meta;
    meta.place = written.line > 0 ? written.place() : root.place();
    if (!written.is_mapping() && !written.is_null()) {
      problem(written.place(), "metadata", "must be an object");
      return meta;
    }
    const std::size_t before = problems_.size();
    meta.name = text_at(written, "metadata.", "name");
    meta.ns = text_at(written, "metadata.", "namespace");
    const std::string created = text_at(written, "metadata.", "creationTimestamp");
    if (problems_.size() > before) return meta;
    if (meta.name.empty() || meta.name.size() > kLongestName) {
      problem(meta.place, "metadata.name",
              meta.name.empty() ? "Required value: name or generateName is required"
                                : "must be no more than 253 bytes");
    } else if (!names_.emplace(kind, meta.text()).second) {
      problem(meta.place, "metadata.name",
              std::string(kind) + " " + in_quotes(meta.text()) + " stands here twice");
    }
    if (const auto at = parse_time(created)) {
      meta.created = *at;
    } else if (!created.empty()) {
      problem(written.find("creationTimestamp")->place(), "metadata.creationTimestamp",
              in_quotes(created) + " is no time such as 2026-01-31T12:00:00Z");
    }
    return meta;
  }

  void pool(const Node& root, const std::optional<PoolRef>& pool) {
    if (!pool) {
      const Node* const spec = root.find("spec");
      return problem(spec == nullptr ? root.place() : spec->place(), "spec.poolRef",
                     "Required value");
    }
    if (pool->name.empty()) problem(pool->place, "spec.poolRef.name", "Required value");
    if (pool->name.size() > kLongestName) {
      problem(pool->place, "spec.poolRef.name", "must be no more than 253 bytes");
    }
  }

  void warning(const Place& place, std::string path, const InferenceModelRewrite& rewrite,
               const std::string& text) {
    if (resources_.warnings.size() == kMostProblems) return;
    resources_.warnings.push_back(
        {.path = std::move(path),
         .line = place.line,
         .column = place.column,
         .text = "InferenceModelRewrite " + in_quotes(rewrite.meta.text()) + text});
  }

  // What the types alone do not say of rules.
  bool rules(const Node& root, const InferenceModelRewrite& rewrite) {
    const std::size_t before = problems_.size();
    const Node* const spec = root.find("spec");  // there, since it has named a pool
    const Node* const written = spec->find("rules");
    if (written == nullptr || written->is_null()) {
      problem((written == nullptr ? spec : written)->place(), "spec.rules", "Required value");
    }
    for (std::size_t r = 0; r < rewrite.spec.rules.size(); ++r) {
      const auto& rule = rewrite.spec.rules[r];
      const std::string path = "spec.rules[" + std::to_string(r) + "].";
      for (std::size_t m = 0; m < rule.matches.size(); ++m) {
        const auto& model = rule.matches[m].model;
        const std::string match = path + "matches[" + std::to_string(m) + "]";
        if (!model) {
          warning(rule.place, match, rewrite, ": a match without a model matches nothing");
        } else if (model->value.empty()) {
          problem(model->place, match + ".model.value", "must not be empty");
        }
      }
      if (rule.targets.empty()) problem(rule.place, path + "targets", "must have at least 1 item");
      std::size_t weighted = 0;
      for (std::size_t t = 0; t < rule.targets.size(); ++t) {
        const auto& target = rule.targets[t];
        weighted += target.weight ? 1 : 0;
        if (!target.model.empty()) continue;
        problem(target.place, path + "targets[" + std::to_string(t) + "].modelRewrite",
                "Required value");
      }
      if (weighted > 0 && weighted < rule.targets.size()) {
        warning(rule.place, path + "targets", rewrite,
                ": some targets have a weight and some have none: those without are never picked");
      }
    }
    return problems_.size() == before;
  }

  Resources resources_;
  Diagnostics problems_;
  std::set<std::pair<std::string_view, std::string>> names_;
};

}  // namespace

std::expected<Resources, Diagnostics> read_resources(std::string_view text) {
  const auto documents = read_yaml_documents(text, {.bytes = Resources::kMaxBytes});
  if (!documents) return std::unexpected(Diagnostics{documents.error()});
  ResourceReader reader;
  for (const YamlDocument& document : *documents) reader.document(document);
  return reader.take();
}

}  // namespace pointsman
