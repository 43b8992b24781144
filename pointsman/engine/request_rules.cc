#include "pointsman/engine/request_rules.h"

#include <algorithm>
#include <tuple>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

// Sets the sequence apart from those of pickers and filters, which start from the same seed.
constexpr std::uint64_t kSequence = 0x6D0DE1C4A9B37F25U;

}  // namespace

RequestRules::RequestRules(const Resources& resources) {
  for (const InferenceObjective& objective : resources.objectives) {
    priorities_.insert_or_assign(objective.meta.name, objective.spec.priority.value_or(0));
  }
  std::vector<const InferenceModelRewrite*> oldest_first;
  for (const InferenceModelRewrite& rewrite : resources.rewrites) oldest_first.push_back(&rewrite);
  std::ranges::stable_sort(oldest_first, {}, [](const InferenceModelRewrite* rewrite) {
    return std::tuple(rewrite->meta.created, std::string_view(rewrite->meta.name),
                      std::string_view(rewrite->meta.ns));
  });
  for (const InferenceModelRewrite* rewrite : oldest_first) {
    for (const InferenceModelRewrite::Rule& written : rewrite->spec.rules) {
      Rule rule{.resource = rewrite->meta.name, .targets = {}};
      for (const auto& target : written.targets) {
        const auto weight = static_cast<std::uint64_t>(target.weight.value_or(0));
        rule.targets.push_back({target.model, weight});
        rule.total += weight;
      }
      if (written.matches.empty() && !generic_) generic_ = rules_.size();
      for (const auto& match : written.matches) {
        if (match.model) exact_.try_emplace(match.model->value, rules_.size());
      }
      rules_.push_back(std::move(rule));
    }
  }
}

int RequestRules::priority(std::string_view objective) const {
  const auto found = priorities_.find(objective);
  return found == priorities_.end() ? 0 : found->second;
}

std::optional<RequestRules::Rewrite> RequestRules::rewrite(std::string_view model,
                                                           std::uint64_t seed) const {
  const auto found = exact_.find(model);
  if (found == exact_.end() && !generic_) return std::nullopt;
  const Rule& rule = rules_[found == exact_.end() ? *generic_ : found->second];
  return Rewrite{.resource = rule.resource, .model = pick(rule, seed)};
}

std::string_view RequestRules::pick(const Rule& rule, std::uint64_t seed) {
  Random random(seed ^ kSequence);
  if (rule.targets.empty()) return {};
  if (rule.total == 0) return rule.targets[random.below(rule.targets.size())].model;
  std::uint64_t left = random.below(rule.total);
  for (const Target& target : rule.targets) {
    if (left < target.weight) return target.model;
    left -= target.weight;
  }
  return rule.targets.back().model;
}

std::vector<std::string_view> RequestRules::models() const {
  std::vector<std::string_view> all;
  for (const auto& [model, rule] : exact_) all.push_back(model);
  for (const Rule& rule : rules_) {
    for (const Target& target : rule.targets) all.push_back(target.model);
  }
  return all;
}

}  // namespace pointsman
