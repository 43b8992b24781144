#include "pointsman/stage/parser_table.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace pointsman {
namespace {

constexpr std::string_view kPathHeaders[] = {":path", "x-original-path", "x-forwarded-path"};
constexpr std::string_view kDefaultPath = "/v1/completions";

std::string_view trimmed(std::string_view text, std::string_view front, std::string_view back) {
  text.remove_prefix(std::min(text.find_first_not_of(front), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(back) + 1));
  return text;
}

std::string_view plain_path(std::string_view path) {
  return trimmed(path, " ", " /");
}
std::string_view plain_suffix(std::string_view suffix) {
  return trimmed(suffix, " /", " /");
}

bool matches(std::string_view path, std::string_view suffix) {
  if (suffix.empty() || !path.ends_with(suffix)) return false;
  path.remove_suffix(suffix.size());
  return path.empty() || path.back() == '/' || path.back() == '.';
}

}  // namespace

std::string_view request_path(std::span<const Header> headers) {
  for (const std::string_view name : kPathHeaders) {
    // The last line counts, as for every other header.
    const auto lines = headers | std::views::reverse;
    const auto found = std::ranges::find(lines, name, &Header::name);
    if (found != lines.end()) return found->value.substr(0, found->value.find('?'));
  }
  return kDefaultPath;
}

bool path_matches(std::string_view path, std::string_view suffix) {
  return matches(plain_path(path), plain_suffix(suffix));
}

Result<ParserTable> ParserTable::build(std::vector<Entry> configured) {
  ParserTable table;
  if (configured.empty()) return fail(Code::invalid_config, "no parsers configured");
  for (Entry& entry : configured) {
    if (table.fallback_ != nullptr) {
      table.warnings_.push_back("parser " + entry.name.text() +
                                " is never asked: it stands behind the fallback " +
                                table.parsers_.back().name.text());
      continue;
    }
    const auto twin = std::ranges::find_if(table.parsers_, [&entry](const Entry& earlier) {
      return earlier.name.type == entry.name.type;
    });
    if (twin != table.parsers_.end()) {
      table.warnings_.push_back("parser " + entry.name.text() +
                                " is never asked: " + twin->name.text() + " has the same type");
      continue;
    }
    const Parser* const parser = entry.parser.get();
    if (parser->paths().empty()) table.fallback_ = parser;
    for (const std::string_view path : parser->paths()) {
      table.suffixes_.push_back({std::string(plain_suffix(path)), parser});
    }
    table.parsers_.push_back(std::move(entry));
  }
  std::ranges::stable_sort(table.suffixes_, [](const Suffix& a, const Suffix& b) {
    return a.text.size() > b.text.size();
  });
  return table;
}

Result<const Parser*> ParserTable::resolve(std::string_view path) const {
  const std::string_view plain = plain_path(path);
  for (const Suffix& suffix : suffixes_) {
    if (matches(plain, suffix.text)) return suffix.parser;
  }
  if (fallback_ != nullptr) return fallback_;
  return fail(Code::bad_request,
              "no parser registered matching path suffix for: " + std::string(path));
}

}  // namespace pointsman
