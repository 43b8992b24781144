#include "pointsman/config/source_text.h"

#include <algorithm>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::string_view kBlanks = " \t\r";

bool blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

}  // namespace

SourceText::SourceText(std::string_view text) : text_(text), lines_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') lines_.push_back(i + 1);
  }
}

std::optional<std::size_t> SourceText::offset(int line, int column) const {
  if (line < 1 || column < 1 || static_cast<std::size_t>(line) > lines_.size()) return std::nullopt;
  const std::size_t at =
      lines_[static_cast<std::size_t>(line) - 1] + static_cast<std::size_t>(column) - 1;
  if (at >= text_.size()) return std::nullopt;
  return at;
}

std::size_t SourceText::line_begin(std::size_t at) const {
  return *std::prev(std::ranges::upper_bound(lines_, at));
}

std::size_t SourceText::line_end(std::size_t at) const {
  const auto next = std::ranges::upper_bound(lines_, at);
  return next == lines_.end() ? text_.size() : *next;
}

bool SourceText::first_on_line(std::size_t at) const {
  const std::size_t begin = line_begin(at);
  return text_.substr(begin, at - begin).find_first_not_of(kBlanks) == std::string_view::npos;
}

bool SourceText::is_flow(const Node& collection) const {
  const auto at = offset(collection.line, collection.column);
  return at && (text_[*at] == '{' || text_[*at] == '[');
}

// One past the closing quote.
std::optional<std::size_t> SourceText::quoted_end(std::size_t at) const {
  const char quote = text_[at];
  for (std::size_t i = at + 1; i < text_.size(); ++i) {
    if (quote == '"' && text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      if (quote == '"' || i + 1 >= text_.size() || text_[i + 1] != quote) return i + 1;
      ++i;  // '' inside single quotes
    }
  }
  return std::nullopt;
}

// One past the bracket that closes the one at `at`.
std::optional<std::size_t> SourceText::bracket_end(std::size_t at) const {
  int depth = 0;
  for (std::size_t i = at; i < text_.size();) {
    const char c = text_[i];
    // A quote opens a text only where a value or key begins.
    const bool begins =
        i > 0 && (blank(text_[i - 1]) || text_[i - 1] == '\n' || text_[i - 1] == ',' ||
                  text_[i - 1] == '[' || text_[i - 1] == '{' || text_[i - 1] == ':');
    if ((c == '"' || c == '\'') && begins) {
      const auto end = quoted_end(i);
      if (!end) return std::nullopt;
      i = *end;
      continue;
    }
    if (c == '#' && i > 0 && (blank(text_[i - 1]) || text_[i - 1] == '\n')) {
      i = line_end(i);
      continue;
    }
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && --depth == 0) return i + 1;
    ++i;
  }
  return std::nullopt;
}

// The end of a plain scalar on its line.
std::size_t SourceText::plain_end(std::size_t at, bool inside_flow) const {
  std::size_t end = at;
  while (end < text_.size() && text_[end] != '\n') {
    const char c = text_[end];
    const char next = end + 1 < text_.size() ? text_[end + 1] : '\n';
    if (inside_flow && (c == ',' || c == ']' || c == '}')) break;
    if (c == ':' && (blank(next) || next == '\n')) break;
    if (c == '#' && end > at && blank(text_[end - 1])) break;
    ++end;
  }
  while (end > at && blank(text_[end - 1])) --end;
  return end;
}

// The end of the last line from `at` on that is indented deeper than `indent`; blank lines count
// only when such a line follows.
std::size_t SourceText::indented_end(std::size_t at, int indent) const {
  std::size_t end = line_end(at);
  for (std::size_t line = end; line < text_.size(); line = line_end(line)) {
    const std::size_t next = line_end(line);
    const std::size_t first = text_.substr(line, next - line).find_first_not_of(kLineBlank);
    if (first == std::string_view::npos) continue;
    if (static_cast<int>(first) <= indent) break;
    end = next;
  }
  while (end > at && (text_[end - 1] == '\n' || blank(text_[end - 1]))) --end;
  return end;
}

std::optional<std::size_t> SourceText::scalar_end(const Node& node, std::size_t at,
                                                  bool inside_flow, int indent) const {
  switch (text_[at]) {
    case '"':
    case '\'':
      return quoted_end(at);
    case '&':
    case '*':
    case '!':
      return std::nullopt;
    case '|':
    case '>':
      return inside_flow ? std::nullopt : std::optional(indented_end(at, indent));
    default:
      break;
  }
  const std::size_t end = plain_end(at, inside_flow);
  if (text_.substr(at, end - at) == node.text) return end;
  // A plain text over several lines.
  return inside_flow ? std::nullopt : std::optional(indented_end(at, indent));
}

std::optional<SourceText::Span> SourceText::value(const Node& node, bool inside_flow,
                                                  int indent) const {
  const auto begin = offset(node.line, node.column);
  if (!begin || (node.is_null() && node.text.empty())) return std::nullopt;
  const bool collection = node.is_sequence() || node.is_mapping();
  if (!collection) {
    const auto end = scalar_end(node, *begin, inside_flow, indent);
    if (!end || *end <= *begin) return std::nullopt;
    return Span{*begin, *end};
  }
  if (is_flow(node)) {
    const auto end = bracket_end(*begin);
    if (!end) return std::nullopt;
    return Span{*begin, *end};
  }
  // A block collection ends with its last child. Aliases and merged keys stand elsewhere.
  Span span{*begin, *begin};
  const auto include = [&](const std::optional<Span>& child) {
    if (!child || child->begin < span.end) return false;
    span.end = child->end;
    return true;
  };
  const int column_of_this = static_cast<int>(column(*begin));
  for (const Member& each : node.members) {
    if (!include(member(each, false))) return std::nullopt;
  }
  for (const Node& item : node.items) {
    if (item.is_null() && item.text.empty()) return std::nullopt;
    if (!include(value(item, false, column_of_this))) return std::nullopt;
  }
  if (span.end == span.begin) return std::nullopt;
  return span;
}

std::optional<SourceText::Span> SourceText::key(const Member& member) const {
  const auto begin = offset(member.line, member.column);
  if (!begin) return std::nullopt;
  const char first = text_[*begin];
  if (first == '?' || first == '&' || first == '*' || first == '!') return std::nullopt;
  std::optional<std::size_t> end;
  if (first == '"' || first == '\'') {
    end = quoted_end(*begin);
  } else {
    end = *begin + member.key.size();
    if (text_.substr(*begin, member.key.size()) != member.key) return std::nullopt;
  }
  if (!end) return std::nullopt;
  return Span{*begin, *end};
}

std::optional<SourceText::Span> SourceText::member(const Member& member, bool inside_flow) const {
  const auto name = key(member);
  if (!name) return std::nullopt;
  std::size_t colon = name->end;
  while (colon < text_.size() && blank(text_[colon])) ++colon;
  if (colon >= text_.size() || text_[colon] != ':') return std::nullopt;
  const Node& node = member.value;
  if (node.is_null() && node.text.empty()) return Span{name->begin, colon + 1};
  const auto span = value(node, inside_flow, static_cast<int>(column(name->begin)));
  if (!span || span->begin <= colon) return std::nullopt;
  return Span{name->begin, span->end};
}

}  // namespace pointsman
