#include "pointsman/edge/http/api_keys.h"

#include <algorithm>

#include "pointsman/base/text.h"
#include "pointsman/wire/http.h"

namespace pointsman {
namespace {

// Looks at every byte whatever the answer is.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

bool is_key(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

Result<ApiKeys> ApiKeys::parse(std::string_view text) {
  ApiKeys keys;
  std::size_t line = 0;
  while (!text.empty()) {
    const std::string_view key = trim(take_part(text, '\n'), kAnyBlank);
    ++line;
    if (key.empty() || key.starts_with('#')) continue;
    if (!is_key(key)) {
      return fail(Code::invalid_config, "line " + std::to_string(line) + " is not a key");
    }
    if (keys.keys_.size() == kMostKeys) {
      return fail(Code::invalid_config, "line " + std::to_string(line) + " is one key too many: " +
                                            std::to_string(kMostKeys) + " are the most");
    }
    keys.keys_.emplace_back(key);
  }
  if (keys.keys_.empty()) return fail(Code::invalid_config, "there is no key in it");
  return keys;
}

bool ApiKeys::admits(std::string_view authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  if (!same_name(authorization.substr(0, kScheme.size()), kScheme)) return false;
  const std::string_view given = trim(authorization.substr(kScheme.size()));
  bool found = false;
  for (const std::string& key : keys_) found = same_secret(key, given) || found;
  return found;
}

}  // namespace pointsman
