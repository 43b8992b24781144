#include "pointsman/plugins/filters/label_selector.h"

#include <algorithm>
#include <utility>

namespace pointsman {

Result<void> LabelSelectorParams::check(const LabelSelectorParams& params) {
  for (const Expression& e : params.match_expressions) {
    const bool lists = e.op == "In" || e.op == "NotIn";
    const bool tests = e.op == "Exists" || e.op == "DoesNotExist";
    if (!lists && !tests) {
      return fail(Code::invalid_config, "\"" + e.op + "\" is not a valid label selector operator");
    }
    if (lists && e.values.empty()) {
      return fail(Code::invalid_config,
                  "key \"" + e.key + "\": for 'in', 'notin' operators, values set can't be empty");
    }
    if (tests && !e.values.empty()) {
      return fail(Code::invalid_config, "key \"" + e.key +
                                            "\": values set must be empty for exists and "
                                            "does not exist");
    }
    if (e.key.empty()) {
      return fail(Code::invalid_config, "matchExpressions: a key must not be empty");
    }
  }
  return {};
}

LabelSelectorFilter::LabelSelectorFilter(Params params, Setup& /*setup*/) {
  for (auto& [key, value] : params.match_labels) conditions_.push_back({key, Op::in, {value}});
  for (LabelSelectorParams::Expression& e : params.match_expressions) {
    const Op op = e.op == "In"       ? Op::in
                  : e.op == "NotIn"  ? Op::not_in
                  : e.op == "Exists" ? Op::exists
                                     : Op::absent;
    conditions_.push_back({std::move(e.key), op, std::move(e.values)});
  }
}

void LabelSelectorFilter::filter(const Context& context, Candidates& candidates) const {
  const auto stays = stays_.of(context.fleet, [this](const Endpoint& endpoint) -> char {
    const auto met = [&](const Condition& condition) { return holds(condition, endpoint); };
    return std::ranges::all_of(conditions_, met) ? 1 : 0;
  });
  candidates.keep_if(DropReason::label, [&](EndpointIndex e) { return stays[e] != 0; });
}

bool LabelSelectorFilter::holds(const Condition& condition, const Endpoint& endpoint) {
  const std::string* const value = endpoint.label(condition.key);
  const auto listed = [&] {
    return std::ranges::find(condition.values, *value) != condition.values.end();
  };
  switch (condition.op) {
    case Op::in:
      return value != nullptr && listed();
    case Op::not_in:
      return value == nullptr || !listed();
    case Op::exists:
      return value != nullptr;
    case Op::absent:
      return value == nullptr;
  }
  return false;
}

}  // namespace pointsman
