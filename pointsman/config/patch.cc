#include "pointsman/config/patch.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/config/config_text.h"
#include "pointsman/config/source_text.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

bool same(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.items.size() != b.items.size() ||
      a.members.size() != b.members.size()) {
    return false;
  }
  if (a.is_sequence()) {
    return std::ranges::equal(a.items, b.items,
                              [](const Node& x, const Node& y) { return same(x, y); });
  }
  if (a.is_mapping()) {
    return std::ranges::equal(a.members, b.members, [](const Member& x, const Member& y) {
      return x.key == y.key && same(x.value, y.value);
    });
  }
  return to_json(a) == to_json(b);
}

bool kept(const Place& a, const Place& b) {
  return a.line > 0 && a == b;
}

Place place(const Node& node) {
  return node.place();
}
Place place(const Member& member) {
  return {member.line, member.column};
}

struct Edit {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

// Finds the edits that lead from one document to the other.
class Patcher {
 public:
  explicit Patcher(std::string_view text)
      : source_(text), newline_(text.find("\r\n") == std::string_view::npos ? "\n" : "\r\n") {}

  void document(const Node& before, const Node& after) {
    if (before.is_null() && !same(before, after)) return give_up(before);
    change(before, after, false, -1);
  }

  const std::optional<int>& refused_at() const { return refused_at_; }

  std::string apply() {
    // What is put in goes before what is taken away at the same place.
    std::ranges::stable_sort(
        edits_, {}, [](const Edit& edit) { return std::pair(edit.begin, edit.end > edit.begin); });
    std::string out;
    std::size_t at = 0;
    bool removed = false;  // up to `at`
    for (const Edit& edit : edits_) {
      const bool put_in = edit.end == edit.begin;
      if (edit.begin < at || (put_in && removed && edit.begin == at)) {
        // Inside of what has been taken away, perhaps the end of what something is put behind.
        if (put_in) put_behind(out, edit.text);
        continue;
      }
      out += source_.text().substr(at, edit.begin - at);
      out += edit.text;
      at = edit.end;
      removed = edit.text.empty();
    }
    out += source_.text().substr(at);
    return out;
  }

 private:
  using Span = SourceText::Span;

  // What is put in begins with the end of the line before it. Where whole lines are gone, that has
  // been written.
  void put_behind(std::string& out, std::string_view text) const {
    const bool line_begins = out.empty() || out.ends_with('\n');
    if (!line_begins || !text.starts_with(newline_)) {
      out += text;
      return;
    }
    out += text.substr(newline_.size());
    out += newline_;
  }

  void give_up(const Node& node) {
    if (!refused_at_) refused_at_ = node.line;
  }

  void change(const Node& before, const Node& after, bool flow, int indent) {
    if (same(before, after) || refused_at_) return;
    const bool comparable = before.kind == after.kind && kept(place(before), place(after));
    if (comparable && before.is_mapping() && survives(before.members, after.members)) {
      return members(before, after);
    }
    if (comparable && before.is_sequence() && survives(before.items, after.items)) {
      return items(before, after);
    }
    const auto span = source_.value(before, flow, indent);
    if (!span) return give_up(before);
    const bool block = before.is_mapping() && after.is_mapping() && !source_.is_flow(before) &&
                       !after.members.empty();
    if (block) {
      edits_.push_back({span->begin, span->end, members_text(after.members, span->begin)});
    } else {
      edits_.push_back({span->begin, span->end, inline_text(after)});
    }
  }

  template <typename T>
  static const T* match(const T& of, const std::vector<T>& among) {
    const auto found =
        std::ranges::find_if(among, [&](const T& each) { return kept(place(of), place(each)); });
    return found == among.end() ? nullptr : &*found;
  }
  template <typename T>
  static bool survives(const std::vector<T>& before, const std::vector<T>& after) {
    return std::ranges::any_of(before,
                               [&](const T& each) { return match(each, after) != nullptr; });
  }

  void members(const Node& before, const Node& after) {
    const bool flow = source_.is_flow(before);
    std::vector<Span> spans;
    for (const Member& member : before.members) {
      const auto span = source_.member(member, flow);
      if (!span) return give_up(member.value.line > 0 ? member.value : before);
      spans.push_back(*span);
    }
    remove(before.members, after.members, spans, flow);
    for (const Member& old : before.members) {
      const Member* const now = match(old, after.members);
      if (now == nullptr) continue;
      const auto key = source_.key(old);
      if (!key) return give_up(before);
      if (now->key != old.key) rename(*key, now->key);
      change_value(old, *now, *key, flow);
    }
    insert(
        before.members, after.members, spans,
        [&](const Member& fresh, const Span& beside) {
          return flow ? ", " + inline_text(fresh)
                      : newline_ + std::string(source_.column(beside.begin), ' ') +
                            members_text({fresh}, beside.begin);
        },
        flow);
  }

  // A quoted key stays quoted: its colon may follow without a space only then.
  void rename(const Span& key, const std::string& to) {
    const char quote = source_.text()[key.begin];
    const std::string around = quote == '"' || quote == '\'' ? std::string(1, quote) : "";
    edits_.push_back({key.begin, key.end, around + to + around});
  }

  // `key:` without a value gets one behind its colon.
  void change_value(const Member& old, const Member& now, const Span& key, bool flow) {
    const bool unwritten = old.value.is_null() && old.value.text.empty();
    const int indent = static_cast<int>(source_.column(key.begin));
    if (!unwritten) return change(old.value, now.value, flow, indent);
    if (same(old.value, now.value)) return;
    const auto whole = source_.member(old, flow);
    edits_.push_back({whole->end, whole->end, " " + inline_text(now.value)});
  }

  void items(const Node& before, const Node& after) {
    const bool flow = source_.is_flow(before);
    std::vector<Span> spans;
    for (const Node& item : before.items) {
      auto span = source_.value(item, flow, before.column - 1);
      if (!span) return give_up(item);
      if (!flow) {
        // The dash stands before the item, on its line.
        const std::size_t line = source_.line_begin(span->begin);
        const std::size_t dash = source_.text().rfind('-', span->begin - 1);
        if (span->begin == 0 || dash == std::string_view::npos || dash < line) {
          return give_up(item);
        }
        span->begin = dash;
      }
      spans.push_back(*span);
    }
    remove(before.items, after.items, spans, flow);
    for (const Node& old : before.items) {
      const Node* const now = match(old, after.items);
      if (now != nullptr) change(old, *now, flow, before.column - 1);
    }
    insert(
        before.items, after.items, spans,
        [&](const Node& fresh, const Span& beside) {
          if (flow) return ", " + inline_text(fresh);
          const std::size_t dash = source_.column(beside.begin);
          const std::string lead = newline_ + std::string(dash, ' ') + "- ";
          return lead + (fresh.is_mapping() && !fresh.members.empty()
                             ? members_text(fresh.members, beside.begin, 2)
                             : inline_text(fresh));
        },
        flow);
  }

  // Takes away runs of what is not in `after`; something else stays.
  template <typename T>
  void remove(const std::vector<T>& before, const std::vector<T>& after,
              const std::vector<Span>& spans, bool flow) {
    for (std::size_t i = 0; i < before.size();) {
      if (match(before[i], after) != nullptr) {
        ++i;
        continue;
      }
      const std::size_t first = i;
      while (i < before.size() && match(before[i], after) == nullptr) ++i;
      const std::size_t begin = spans[first].begin;
      const std::size_t end = spans[i - 1].end;
      if (flow && i < before.size()) {
        edits_.push_back({begin, spans[i].begin, ""});
      } else if (flow) {
        edits_.push_back({spans[first - 1].end, end, ""});
      } else if (source_.first_on_line(begin)) {
        edits_.push_back({source_.line_begin(begin), source_.line_end(end - 1), ""});
      } else {
        // Behind a dash: what follows on the next line moves up to it.
        std::size_t next = source_.line_end(end - 1);
        while (next < source_.text().size() && source_.text()[next] == ' ') ++next;
        edits_.push_back({begin, next, ""});
      }
    }
  }

  // Puts what is new behind what precedes it and stays.
  template <typename T, typename Text>
  void insert(const std::vector<T>& before, const std::vector<T>& after,
              const std::vector<Span>& spans, Text text_of, bool flow) {
    std::optional<std::size_t> beside;  // of those before; none: the first that stays
    for (const T& each : after) {
      for (std::size_t i = 0; i < before.size(); ++i) {
        if (kept(place(before[i]), place(each))) beside = i;
      }
      if (match(each, before) != nullptr) continue;
      std::size_t at = beside.value_or(0);
      while (!beside && match(before[at], after) == nullptr) ++at;
      // In block style behind the line's comment, if there is one.
      std::size_t where = spans[at].end;
      if (!flow) {
        where = source_.line_end(where - 1);
        while (where > spans[at].end &&
               (source_.text()[where - 1] == '\n' || source_.text()[where - 1] == '\r')) {
          --where;
        }
      }
      edits_.push_back({where, where, text_of(each, spans[at])});
    }
  }

  // Members in block style, the first without indentation, as it stands at `at` already.
  std::string members_text(const std::vector<Member>& members, std::size_t at,
                           std::size_t deeper = 0) const {
    Node map;
    map.kind = Node::Kind::mapping;
    map.members = members;
    const std::string indent(source_.column(at) + deeper, ' ');
    std::string out;
    for (const char c : to_yaml(map)) {
      if (c == '\n') {
        out += newline_ + indent;
      } else {
        out += c;
      }
    }
    out.resize(out.size() - newline_.size() - indent.size());
    return out;
  }

  static std::string inline_text(const Node& node) {
    if (node.is_mapping() || node.is_sequence()) return to_json(node);
    std::string out = to_yaml(node);
    out.pop_back();
    return out;
  }
  static std::string inline_text(const Member& member) {
    return member.key + ": " + inline_text(member.value);
  }

  SourceText source_;
  std::string newline_;
  std::vector<Edit> edits_;
  std::optional<int> refused_at_;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.push_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

Result<std::string> patch_text(std::string_view text, const Node& before, const Node& after) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  const bool marked = text.starts_with(kMark);
  if (marked) text.remove_prefix(kMark.size());
  const auto refused = [](int line) {
    return fail(Code::invalid_config,
                "the text around line " + std::to_string(line) +
                    " cannot be edited automatically (anchors, aliases, tags or explicit keys)");
  };
  Patcher patcher(text);
  patcher.document(before, after);
  if (patcher.refused_at()) return refused(*patcher.refused_at());
  std::string out = (marked ? std::string(kMark) : "") + patcher.apply();
  const auto again = read_yaml(out);
  if (!again) return refused(again.error().line);
  if (to_json(again->root) != to_json(after)) return refused(before.line);
  return out;
}

std::string difference(std::string_view before, std::string_view after, std::size_t around) {
  const auto a = lines_of(before);
  const auto b = lines_of(after);
  // Longest common subsequence; configurations have few lines.
  constexpr std::size_t kMost = 2000;
  if (a.size() > kMost || b.size() > kMost) return "";
  std::vector<std::vector<int>> common(a.size() + 1, std::vector<int>(b.size() + 1, 0));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  struct Line {
    char sign;
    std::string_view text;
    std::size_t number;  // in `before`, from 1
  };
  std::vector<Line> all;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      all.push_back({' ', a[i], i + 1});
      ++i;
      ++j;
    } else if (i < a.size() && (j == b.size() || common[i + 1][j] >= common[i][j + 1])) {
      all.push_back({'-', a[i], i + 1});
      ++i;
    } else {
      all.push_back({'+', b[j], i + 1});
      ++j;
    }
  }
  std::string out;
  std::size_t shown = 0;  // lines of `all` up to here are dealt with
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].sign == ' ') continue;
    const std::size_t from = std::max(shown, i < around ? 0 : i - around);
    if (from > shown || shown == 0) {
      out += "@@ line " + std::to_string(all[from].number) + " @@\n";
    }
    std::size_t to = i + 1;
    while (to < all.size() && (all[to].sign != ' ' || to < i + 1 + around)) {
      if (all[to].sign != ' ') i = to;
      ++to;
    }
    for (std::size_t k = from; k < to; ++k) {
      out += all[k].sign;
      out += all[k].text;
      if (!all[k].text.ends_with('\n')) out += '\n';
    }
    shown = to;
  }
  return out;
}

}  // namespace pointsman
