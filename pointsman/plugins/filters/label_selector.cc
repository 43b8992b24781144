#include "pointsman/plugins/filters/label_selector.h"

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
  using Operator = LabelSelector::Operator;
  std::vector<LabelSelector::Requirement> all;
  for (auto& [key, value] : params.match_labels) all.push_back({key, Operator::in, {value}});
  for (LabelSelectorParams::Expression& e : params.match_expressions) {
    const Operator op = e.op == "In"       ? Operator::in
                        : e.op == "NotIn"  ? Operator::not_in
                        : e.op == "Exists" ? Operator::exists
                                           : Operator::absent;
    all.push_back({std::move(e.key), op, std::move(e.values)});
  }
  selector_ = LabelSelector(std::move(all));
}

void LabelSelectorFilter::filter(const Context& context, Candidates& candidates) const {
  const auto stays = stays_.of(context.fleet, [this](const Endpoint& endpoint) {
    return selector_.matches(endpoint.labels);
  });
  candidates.keep_if(DropReason::label, [&](EndpointIndex e) { return stays[e]; });
}

}  // namespace pointsman
