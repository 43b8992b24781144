#include "pointsman/config/feature_gates.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/text.h"
#include "pointsman/config/nearest.h"
#include "pointsman/config/node.h"

namespace pointsman {
namespace {

// Gates of earlier releases; what they switched on is always on now.
constexpr std::array<std::string_view, 3> kGone = {"dataLayer", "enableLegacyMetrics",
                                                   "prepareDataPlugins"};

std::optional<bool> boolean(std::string_view text) {
  if (text == "1" || text == "t" || text == "true") return true;
  if (text == "0" || text == "f" || text == "false") return false;
  return std::nullopt;
}

std::string hint_for(std::string_view name, const FeatureGates& registered) {
  if (std::ranges::find(kGone, name) != kGone.end()) {
    return "this gate no longer exists and is not needed: remove the line";
  }
  std::vector<std::string_view> known;
  for (const auto& [gate, on] : registered) known.push_back(gate);
  return suggestion(name, known);
}

}  // namespace

const FeatureGates& registered_gates() {
  static const FeatureGates kGates = {{"flowControl", false},
                                      {"haPopulateNonLeaderDatastore", true}};
  return kGates;
}

ResolvedGates resolve_gates(std::span<const std::string> entries, const FeatureGates& registered,
                            std::span<const std::string> missing) {
  ResolvedGates out{.gates = registered, .problems = {}};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string_view entry = entries[i];
    const std::size_t equals = entry.find('=');
    const std::string_view name = entry.substr(0, equals);
    if (!registered.contains(name)) {
      out.problems.push_back({i,
                              "feature gate '" + std::string(name) + "' is unknown or unregistered",
                              hint_for(name, registered)});
      continue;
    }
    bool on = true;
    if (equals != std::string_view::npos) {
      // What follows a second `=` is ignored.
      const std::string_view rest = entry.substr(equals + 1);
      const std::string value = to_lower(trim(rest.substr(0, rest.find('=')), kAnyBlank));
      const auto read = boolean(value);
      if (!read) {
        out.problems.push_back({i, value + " is not a valid value for the feature gate " +
                                       std::string(name) + " (error: strconv.ParseBool: parsing " +
                                       in_quotes(value) + ": invalid syntax)"});
        continue;
      }
      on = *read;
    }
    out.gates[std::string(name)] = on;
  }
  for (const std::string& name : missing) {
    const auto found = out.gates.find(name);
    if (found == out.gates.end() || !found->second) continue;
    const auto entry = std::ranges::find_if(
        entries, [&](const std::string& text) { return text.starts_with(name); });
    out.problems.push_back({static_cast<std::size_t>(entry - entries.begin()),
                            "feature gate '" + name + "' is not in this build yet"});
  }
  return out;
}

}  // namespace pointsman
