#include "pointsman/config/yaml.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <istream>
#include <optional>
#include <spanstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "pointsman/config/utf8.h"
#include "pointsman/config/yaml_scalar.h"

namespace pointsman {
namespace {

// What a subtree costs against the limits.
struct Size {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  int depth = 0;
};

Size measure(const Node& node) {
  Size size{.nodes = 1, .bytes = node.text.size(), .depth = 0};
  const auto include = [&](const Node& child) {
    const Size inner = measure(child);
    size.nodes += inner.nodes;
    size.bytes += inner.bytes;
    size.depth = std::max(size.depth, inner.depth);
  };
  for (const Node& item : node.items) include(item);
  for (const Member& member : node.members) {
    size.bytes += member.key.size();
    include(member.value);
  }
  if (node.is_sequence() || node.is_mapping()) ++size.depth;
  return size;
}

// Builds our tree from yaml-cpp's events. The first problem ends it: later events are ignored,
// since throwing through the library is not an option. yaml-cpp's own tree is of no use here,
// since it keeps duplicate keys and knows neither merge keys nor most YAML 1.1 scalars.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const YamlLimits& limits) : limits_(limits) {}

  std::expected<std::vector<YamlDocument>, Diagnostic> take() {
    if (problem_) return std::unexpected(*std::move(problem_));
    return std::move(documents_);
  }
  bool failed() const { return problem_.has_value(); }

  void fail_at(const YAML::Mark& mark, std::string text) {
    if (problem_) return;
    const int line = std::max(mark.line, 0) + 1;
    problem_ = Diagnostic{.line = line,
                          .column = std::max(mark.column, 0) + 1,
                          .text = "yaml: line " + std::to_string(line) + ": " + std::move(text)};
  }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {
    documents_.emplace_back();
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node = at(mark);
    add(mark, anchor, std::move(node), {.nodes = 1}, false);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (problem_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return fail_at(mark, "anchor value contains itself");
    const auto& [node, size] = found->second;
    // Checked before the copy is made, so that an alias bomb costs nothing.
    if (!affordable(mark, size)) return;
    add(mark, YAML::NullAnchor, Node(node), size, false);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (problem_) return;
    const std::string value = with_whole_characters(text);
    Node node = at(mark);
    if (!resolve_scalar(tag, value, node)) {
      return fail_at(mark, "cannot decode `" + value.substr(0, 64) + "` as a " + short_tag(tag));
    }
    const bool merge = value == "<<" && (tag == "?" || short_tag(tag) == "!!merge");
    add(mark, anchor, std::move(node), {.nodes = 1, .bytes = value.size()}, merge);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor, Node::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor, Node::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  // A sequence or mapping whose end has not come yet.
  struct Open {
    Node node;
    YAML::Mark mark;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<Member> key = {};  // of a mapping, while its value is awaited
    bool merging = false;            // the awaited value is that of `<<`
    std::vector<Node> merged = {};   // mappings to merge at the end
    std::unordered_map<std::string, std::size_t> places = {};  // of a mapping's keys
  };

  static Node at(const YAML::Mark& mark) {
    Node node;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  bool affordable(const YAML::Mark& mark, const Size& size) {
    if (nodes_ + size.nodes > limits_.nodes) {
      fail_at(mark, "more than " + std::to_string(limits_.nodes) + " values");
    } else if (bytes_ + size.bytes > limits_.expanded) {
      fail_at(mark, "aliases expand to more than " + std::to_string(limits_.expanded) + " bytes");
    } else if (static_cast<int>(open_.size()) + size.depth > limits_.depth) {
      fail_at(mark, "nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    return !problem_;
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    if (problem_ || !affordable(mark, {.nodes = 1, .depth = 1})) return;
    ++nodes_;
    Open fresh{.node = at(mark), .mark = mark, .anchor = anchor};
    fresh.node.kind = kind;
    open_.push_back(std::move(fresh));
  }

  void close() {
    if (problem_) return;
    Open done = std::move(open_.back());
    open_.pop_back();
    for (Node& merged : done.merged) merge(done, std::move(merged));
    // Its parts have been paid for one by one.
    add(done.mark, done.anchor, std::move(done.node), {}, false);
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Node node, const Size& size,
           bool merge_key) {
    if (problem_ || !affordable(mark, size)) return;
    nodes_ += size.nodes;
    bytes_ += size.bytes;
    if (anchor != YAML::NullAnchor) {
      const Size whole = measure(node);
      if (!affordable(mark, whole)) return;  // the kept copy is paid for as well
      nodes_ += whole.nodes;
      bytes_ += whole.bytes;
      anchors_.insert_or_assign(anchor, std::pair(node, whole));
    }
    if (open_.empty()) {
      documents_.back().root = std::move(node);
    } else if (open_.back().node.is_sequence()) {
      open_.back().node.items.push_back(std::move(node));
    } else if (std::optional<Member> key = std::exchange(open_.back().key, std::nullopt)) {
      add_value(mark, *std::move(key), std::move(node));
    } else {
      add_key(mark, node, merge_key);
    }
  }

  void add_key(const YAML::Mark& mark, const Node& node, bool merge_key) {
    if (node.is_null() || node.is_sequence() || node.is_mapping()) {
      return fail_at(mark, "invalid map key of type " + std::string(json_kind(node)));
    }
    open_.back().merging = merge_key;
    // `on: 1` has the key "true", as after a conversion to JSON.
    open_.back().key = Member{.key = node.is_string() ? node.text : to_json(node),
                              .line = node.line,
                              .column = node.column,
                              .value = {}};
  }

  void add_value(const YAML::Mark& mark, Member member, Node node) {
    Open& map = open_.back();
    if (map.merging) return keep_for_merge(mark, map, std::move(node));
    member.value = std::move(node);
    const auto [place, fresh] = map.places.emplace(member.key, map.node.members.size());
    if (fresh) {
      map.node.members.push_back(std::move(member));
      return;
    }
    documents_.back().duplicates.push_back(
        {.path = member.key,
         .line = member.line,
         .column = member.column,
         .text = "key " + in_quotes(member.key) + " already set in map"});
    map.node.members[place->second] = std::move(member);
  }

  void keep_for_merge(const YAML::Mark& mark, Open& map, Node node) {
    const auto is_mapping = [](const Node& each) { return each.is_mapping(); };
    if (node.is_mapping()) {
      map.merged.push_back(std::move(node));
    } else if (node.is_sequence() && std::ranges::all_of(node.items, is_mapping)) {
      std::ranges::move(node.items, std::back_inserter(map.merged));
    } else {
      fail_at(mark, "map merge requires map or sequence of maps as the value");
    }
  }

  // Keys that the mapping has itself win, then those of earlier merges.
  static void merge(Open& map, Node from) {
    for (Member& member : from.members) {
      if (!map.places.emplace(member.key, map.node.members.size()).second) continue;
      map.node.members.push_back(std::move(member));
    }
  }

  const YamlLimits& limits_;
  std::vector<YamlDocument> documents_;
  std::optional<Diagnostic> problem_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, std::pair<Node, Size>> anchors_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

// Reads the first document, or all.
std::expected<std::vector<YamlDocument>, Diagnostic> read(std::string_view text,
                                                          const YamlLimits& limits, bool all) {
  Builder builder(limits);
  if (text.size() > limits.bytes) {
    builder.fail_at(YAML::Mark(), "larger than " + std::to_string(limits.bytes) + " bytes");
    return builder.take();
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto bad = first_bad_character(text)) {
    YAML::Mark mark;
    mark.line = bad->line - 1;
    mark.column = bad->column - 1;
    builder.fail_at(mark, std::string(bad->what));
    return builder.take();
  }
  try {
    std::ispanstream input(std::span<const char>(text.data(), text.size()));
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder) && all && !builder.failed()) {
    }
  } catch (const YAML::Exception& error) {
    builder.fail_at(error.mark, error.msg);
  }
  return builder.take();
}

}  // namespace

std::expected<YamlDocument, Diagnostic> read_yaml(std::string_view text, const YamlLimits& limits) {
  auto documents = read(text, limits, false);
  if (!documents) return std::unexpected(std::move(documents).error());
  return documents->empty() ? YamlDocument{} : std::move(documents->front());
}

std::expected<std::vector<YamlDocument>, Diagnostic> read_yaml_documents(std::string_view text,
                                                                         const YamlLimits& limits) {
  return read(text, limits, true);
}

}  // namespace pointsman
