#include "pointsman/config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/text.h"
#include "pointsman/config/node.h"

namespace pointsman {
namespace {

constexpr std::size_t kMost = 3;
constexpr std::size_t kLongest = 128;  // longer names are no typing mistakes

// Optimal string alignment distance, in three rows.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> older(b.size() + 1);
  std::vector<std::size_t> old(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) old[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = old[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, old[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], older[j - 2] + 1);
    }
    std::swap(older, old);
    std::swap(old, row);
  }
  return old[b.size()];
}

}  // namespace

std::vector<std::string> nearest(std::string_view name,
                                 std::span<const std::string_view> candidates) {
  if (name.empty() || name.size() > kLongest) return {};
  const std::string wanted = to_lower(name);
  // A third of the name may differ, which keeps `queue-scorer` away from `lora-scorer`.
  const std::size_t close = std::max<std::size_t>(1, wanted.size() / 3);
  std::vector<std::pair<std::size_t, std::string_view>> found;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const std::string known = to_lower(candidate);
    const std::size_t apart = distance(wanted, known);
    const std::size_t shorter = std::min(wanted.size(), known.size());
    const bool part = shorter >= 4 && (known.contains(wanted) || wanted.contains(known));
    if (apart <= close) {
      found.emplace_back(apart, candidate);
    } else if (part) {
      found.emplace_back(close + apart, candidate);
    }
  }
  std::ranges::sort(found);
  std::vector<std::string> out;
  for (const auto& [apart, candidate] : found) {
    if (out.size() < kMost) out.emplace_back(candidate);
  }
  return out;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> candidates) {
  const std::vector<std::string> close = nearest(name, candidates);
  std::string out;
  for (std::size_t i = 0; i < close.size(); ++i) {
    if (i > 0) out += i + 1 == close.size() ? " or " : ", ";
    out += in_quotes(close[i]);
  }
  return out.empty() ? out : "did you mean " + out + "?";
}

}  // namespace pointsman
