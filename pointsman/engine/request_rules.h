#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pointsman/config/resources.h"

namespace pointsman {

// What resources say of requests, ready to be asked: the priority of an objective, and the model
// that a request is sent on with (spec/03 sections 10.2 and 10.3, spec/02 section 14.6). A plain
// value, immutable once made; published whole.
class RequestRules {
 public:
  RequestRules() = default;
  explicit RequestRules(const Resources& resources);

  // Of an objective; 0 when nobody has one of that name.
  int priority(std::string_view objective) const;

  struct Rewrite {
    std::string_view resource;  // whose rule it is
    std::string_view model;     // what to ask for
  };
  // By the first rule that names the model, else by the first that names none: older resources
  // first, then by name and the order of rules. Among the targets of the rule `seed` decides.
  // Nothing when no rule applies. The views live as long as this.
  std::optional<Rewrite> rewrite(std::string_view model, std::uint64_t seed) const;

  // Every model that a rule names or sends to.
  std::vector<std::string_view> models() const;

 private:
  struct Target {
    std::string model;
    std::uint64_t weight = 0;
  };
  struct Rule {
    std::string resource;
    std::vector<Target> targets;
    std::uint64_t total = 0;  // of the weights; 0: all targets alike
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  template <typename T>
  using ByName = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  static std::string_view pick(const Rule& rule, std::uint64_t seed);

  ByName<int> priorities_;
  std::vector<Rule> rules_;
  ByName<std::size_t> exact_;  // into rules_
  std::optional<std::size_t> generic_;
};

}  // namespace pointsman
