#include "pointsman/fleet/metric_spec.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool name_char(char c, bool first, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':') ||
         (!first && c >= '0' && c <= '9');
}

// The name that `text` begins with, taken off it; empty when it begins with none.
std::string_view take_name(std::string_view& text, bool colon) {
  std::size_t n = 0;
  while (n < text.size() && name_char(text[n], n == 0, colon)) ++n;
  const std::string_view name = text.substr(0, n);
  text.remove_prefix(n);
  return name;
}

// Where the pair at the front ends: at the next comma outside of quotes, or at the end.
std::size_t pair_end(std::string_view text) {
  bool inside = false;
  std::size_t n = 0;
  for (; n < text.size() && (inside || text[n] != ','); ++n) {
    if (text[n] == '"') inside = !inside;
  }
  return n;
}

std::optional<std::pair<std::string, std::string>> parse_pair(std::string_view pair) {
  const std::string_view label = take_name(pair, false);
  pair = trim(pair, kAnyBlank);
  if (label.empty() || !pair.starts_with('=')) return std::nullopt;
  std::string_view value = trim(pair.substr(1), kAnyBlank);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
    if (value.contains('"')) return std::nullopt;
  } else if (value.empty() || value.front() == '~' ||  // =~ is no operator here
             value.find_first_of("\"}") != std::string_view::npos ||
             value.find_first_of(kAnyBlank) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::pair{std::string(label), std::string(value)};
}

}  // namespace

Result<std::optional<MetricSpec>> MetricSpec::parse(std::string_view text) {
  if (text.empty()) return std::nullopt;
  MetricSpec spec;
  std::string_view rest = trim(text, kAnyBlank);
  spec.name = take_name(rest, true);
  rest = trim(rest, kAnyBlank);
  const bool braces = rest.size() >= 2 && rest.front() == '{' && rest.back() == '}';
  if (spec.name.empty() || (!rest.empty() && !braces)) {
    return fail(Code::invalid_config, "not a valid metric specification: " + quoted(text));
  }
  if (!braces) return spec;

  rest = trim(rest.substr(1, rest.size() - 2), kAnyBlank);
  for (bool more = !rest.empty(); more;) {
    const std::size_t end = pair_end(rest);
    const std::string_view pair = trim(rest.substr(0, end), kAnyBlank);
    more = end < rest.size();
    rest.remove_prefix(more ? end + 1 : end);
    auto label = parse_pair(pair);
    if (!label) {
      return fail(Code::invalid_config,
                  "invalid label pair " + quoted(pair) + " in specification: " + quoted(text));
    }
    spec.labels.push_back(*std::move(label));
  }
  return spec;
}

bool MetricSpec::matches(const MetricSample& sample) const {
  return std::ranges::all_of(labels, [&](const auto& wanted) {
    const MetricLabel* const found = sample.find(wanted.first);
    return found != nullptr && found->value == wanted.second;
  });
}

}  // namespace pointsman
