#include "pointsman/app/flags.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "pointsman/config/duration.h"
#include "pointsman/config/nearest.h"
#include "pointsman/config/node.h"

namespace pointsman {
namespace {

std::unexpected<Error> syntax(std::string_view parser, std::string_view text) {
  return wrong("strconv." + std::string(parser) + ": parsing " + in_quotes(text) +
               ": invalid syntax");
}

Result<bool> boolean(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return syntax("ParseBool", text);
}

// A whole number in any of Go's bases: 12, 0x1f, 0b11, 0o17, 017.
template <typename T>
Result<T> whole(std::string_view text, std::string_view parser) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    digits.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::uint64_t size = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, size, base);
  if (stop != end || digits.empty()) return syntax(parser, text);
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  const std::uint64_t limit = !negative ? most : std::is_signed_v<T> ? most + 1 : 0;
  if (error != std::errc() || size > limit) {
    return wrong("strconv." + std::string(parser) + ": parsing " + in_quotes(text) +
                 ": value out of range");
  }
  return static_cast<T>(negative ? ~size + 1 : size);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  for (std::size_t comma = 0; comma != std::string_view::npos; text.remove_prefix(comma + 1)) {
    comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
  }
  return parts;
}

// Appends `text` to `out` in lines of at most 100 columns, indented by `indent` from the second on.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent) {
  constexpr std::size_t kColumns = 100;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (column > indent && column + 1 + word.size() > kColumns) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  out += '\n';
}

// Values of flags, as they are written on a command line.
std::string shown(bool value) {
  return value ? "true" : "false";
}
std::string shown(std::integral auto value) {
  return std::to_string(value);
}
std::string shown(double value) {
  return number_text(value);
}
std::string shown(const std::string& value) {
  return value;
}
std::string shown(std::chrono::nanoseconds value) {
  return format_duration(value);
}
template <typename T>
std::string shown(const std::vector<T>& list) {
  std::string out;
  for (const T& each : list) out += (out.empty() ? "" : ",") + shown(each);
  return out;
}

// A list of URLs without what stands between `://` and `@` in each.
std::string without_credentials(std::string text) {
  for (std::size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
    at += 3;
    const std::size_t host = text.rfind('@', text.find(',', at));
    if (host != std::string::npos && host > at) text.erase(at, host - at);
  }
  return text;
}

// `text` as the value of a flag on a command line.
std::string as_word(std::string text) {
  constexpr std::size_t kLongest = 1024;
  if (text.size() > kLongest) text.replace(kLongest, std::string::npos, "...");
  return text.find_first_of(" \t\r\n\"'\\") == std::string::npos ? text : in_quotes(text);
}

}  // namespace

template <typename T>
void FlagSet::declare(const Flag& flag, const T& target,
                      std::function<Result<void>(std::string_view)> set) {
  constexpr bool kTakesValue = !std::same_as<T, bool>;
  entries_.push_back({.flag = flag,
                      .group = group_,
                      .takes_value = kTakesValue,
                      .shown_default = kTakesValue || target != T() ? shown(target) : "",
                      .set = {},
                      .value = [&target] { return shown(target); }});
  entries_.back().set = std::move(set);
}

void FlagSet::add(const Flag& flag, bool& target) {
  declare(flag, target, [&target](std::string_view text) -> Result<void> {
    POINTSMAN_TRY(value, boolean(text));
    target = value;
    return {};
  });
}

void FlagSet::add(const Flag& flag, int& target) {
  declare(flag, target, [&target](std::string_view text) -> Result<void> {
    POINTSMAN_TRY(value, whole<int>(text, "ParseInt"));
    target = value;
    return {};
  });
}

void FlagSet::add(const Flag& flag, std::uint64_t& target) {
  declare(flag, target, [&target](std::string_view text) -> Result<void> {
    POINTSMAN_TRY(value, whole<std::uint64_t>(text, "ParseUint"));
    target = value;
    return {};
  });
}

void FlagSet::add(const Flag& flag, double& target) {
  declare(flag, target, [&target](std::string_view text) -> Result<void> {
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool finite = value - value == 0.0;
    if (error != std::errc() || end != text.data() + text.size() || !finite) {
      return syntax("ParseFloat", text);
    }
    target = value;
    return {};
  });
}

void FlagSet::add(const Flag& flag, std::string& target) {
  declare(flag, target, [&target, check = flag.check](std::string_view text) -> Result<void> {
    if (check != nullptr) {
      if (auto known = check(text); !known) return known;
    }
    target = text;
    return {};
  });
}

void FlagSet::add(const Flag& flag, std::chrono::nanoseconds& target) {
  declare(flag, target, [&target](std::string_view text) -> Result<void> {
    POINTSMAN_TRY(value, parse_duration(text));
    target = value;
    return {};
  });
}

void FlagSet::add(const Flag& flag, std::vector<int>& target) {
  declare(flag, target, [&target, first = true](std::string_view text) mutable -> Result<void> {
    if (std::exchange(first, false)) target.clear();
    for (const std::string_view part : split(text)) {
      POINTSMAN_TRY(value, whole<int>(part, "Atoi"));
      target.push_back(value);
    }
    return {};
  });
}

void FlagSet::add(const Flag& flag, std::vector<std::string>& target) {
  declare(flag, target, [&target, first = true](std::string_view text) mutable -> Result<void> {
    if (std::exchange(first, false)) target.clear();
    for (const std::string_view part : split(text)) target.emplace_back(part);
    return {};
  });
}

FlagSet::Entry* FlagSet::find(std::string_view name) {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.flag.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

FlagSet::Entry* FlagSet::find(char letter) {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return letter != 0 && entry.flag.letter == letter; });
  return found == entries_.end() ? nullptr : &*found;
}

bool FlagSet::given(std::string_view name) const {
  return std::ranges::any_of(
      entries_, [&](const Entry& entry) { return entry.given && entry.flag.name == name; });
}

Result<void> FlagSet::assign(Entry& entry, std::string_view value) const {
  entry.given = true;
  const auto done = entry.set(value);
  if (done) return {};
  std::string spelling = "--" + std::string(entry.flag.name);
  if (entry.flag.letter != 0) spelling = std::string("-") + entry.flag.letter + ", " + spelling;
  return wrong("invalid argument " + in_quotes(value) + " for \"" + spelling +
               "\" flag: " + done.error().message);
}

Result<void> FlagSet::long_flag(std::string_view word, std::span<const std::string_view>& rest) {
  const std::string_view text = word.substr(2);
  if (text.empty() || text.front() == '-' || text.front() == '=') {
    return wrong("bad flag syntax: " + std::string(word));
  }
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  Entry* entry = find(name);
  if (entry == nullptr) {
    if (name == "help") {
      help_asked_ = true;
      return {};
    }
    std::vector<std::string_view> known;
    for (const Entry& each : entries_) known.push_back(each.flag.name);
    const std::vector<std::string> close = nearest(name, known);
    return wrong("unknown flag: --" + std::string(name) +
                 (close.empty() ? "" : " (did you mean --" + close.front() + "?)"));
  }
  if (equals != std::string_view::npos) return assign(*entry, text.substr(equals + 1));
  if (!entry->takes_value) return assign(*entry, "true");
  if (rest.empty()) return wrong("flag needs an argument: --" + std::string(name));
  const std::string_view value = rest.front();
  rest = rest.subspan(1);
  return assign(*entry, value);
}

Result<void> FlagSet::short_flags(std::string_view word, std::span<const std::string_view>& rest) {
  for (std::string_view letters = word.substr(1); !letters.empty(); letters.remove_prefix(1)) {
    const char letter = letters.front();
    Entry* entry = find(letter);
    if (entry == nullptr) {
      if (letter == 'h') {
        help_asked_ = true;
        return {};
      }
      return wrong(std::string("unknown shorthand flag: '") + letter + "' in " + std::string(word));
    }
    std::string_view value = letters.substr(1);
    if (value.starts_with('=')) return assign(*entry, value.substr(1));
    if (!entry->takes_value) {
      if (auto done = assign(*entry, "true"); !done) return done;
      continue;
    }
    if (!value.empty()) return assign(*entry, value);
    if (rest.empty()) {
      return wrong(std::string("flag needs an argument: '") + letter + "' in " + std::string(word));
    }
    value = rest.front();
    rest = rest.subspan(1);
    return assign(*entry, value);
  }
  return {};
}

Result<void> FlagSet::parse(std::span<const std::string_view> words) {
  while (!words.empty()) {
    const std::string_view word = words.front();
    words = words.subspan(1);
    if (word == "--") {
      positional_.insert(positional_.end(), words.begin(), words.end());
      break;
    }
    if (word.size() < 2 || word.front() != '-') {
      positional_.push_back(word);
      continue;
    }
    auto done = word.starts_with("--") ? long_flag(word, words) : short_flags(word, words);
    if (!done || help_asked_) return done;
  }
  return {};
}

std::vector<std::string> FlagSet::warnings() const {
  std::vector<std::string> out;
  for (const Entry& entry : entries_) {
    if (!entry.given || entry.flag.idle.empty()) continue;
    out.push_back("--" + std::string(entry.flag.name) +
                  " has no effect: " + std::string(entry.flag.idle));
  }
  return out;
}

std::string FlagSet::values() const {
  std::map<std::string_view, std::string> words;
  for (const Entry& entry : entries_) {
    if (entry.flag.in_log == InLog::nothing) continue;
    std::string value = entry.value();
    if (entry.flag.in_log == InLog::size) {
      if (!value.empty()) value = "(" + std::to_string(value.size()) + " bytes)";
    } else {
      value = as_word(without_credentials(std::move(value)));
    }
    words.emplace(entry.flag.name, std::move(value));
  }
  std::string out;
  for (const auto& [name, value] : words) {
    out.append(out.empty() ? "--" : " --").append(name).append("=").append(value);
  }
  return out;
}

Result<void> FlagSet::check_refused() const {
  for (const Entry& entry : entries_) {
    if (!entry.given || entry.flag.refused.empty()) continue;
    return wrong("--" + std::string(entry.flag.name) +
                 " is not in this build yet: " + std::string(entry.flag.refused));
  }
  return {};
}

std::string FlagSet::help() const {
  constexpr std::size_t kIndent = 38;
  std::string out;
  append_wrapped(out, about_, 0);
  out += "\nUsage: " + std::string(usage_) + "\n";
  std::string_view group;
  for (const Entry& entry : entries_) {
    const Flag& flag = entry.flag;
    if (entry.group != group) {
      group = entry.group;
      out += "\n" + std::string(group) + "\n";
    }
    std::string left = flag.letter != 0 ? std::string("  -") + flag.letter + ", --" : "      --";
    left += flag.name;
    if (entry.takes_value) left += " " + std::string(flag.value);
    if (left.size() + 2 > kIndent) {
      left += '\n';
      left.append(kIndent, ' ');
    } else {
      left.append(kIndent - left.size(), ' ');
    }
    out += left;
    std::string right(flag.help);
    if (!flag.refused.empty()) right += " (not in this build yet)";
    if (!flag.idle.empty()) right += " (no effect here)";
    if (!entry.shown_default.empty()) right += " [" + entry.shown_default + "]";
    append_wrapped(out, right, kIndent);
  }
  out += "\n  -h, --help";
  out.append(kIndent - 12, ' ');
  out += "This page.\n";
  if (!epilogue_.empty()) out += "\n" + std::string(epilogue_);
  return out;
}

}  // namespace pointsman
