#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/label_selector.h"
#include "pointsman/model/per_endpoint.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// A Kubernetes label selector: conditions that must all hold.
struct LabelSelectorParams {
  struct Expression {
    std::string key;
    std::string op;
    std::vector<std::string> values;

    static constexpr auto fields() {
      using E = Expression;
      return std::tuple{field("key", &E::key, "The label's name."),
                        field("operator", &E::op, "In, NotIn, Exists or DoesNotExist."),
                        field("values", &E::values, "What the label is compared with.")};
    }
  };

  std::map<std::string, std::string> match_labels;
  std::vector<Expression> match_expressions;

  static constexpr auto fields() {
    using P = LabelSelectorParams;
    return std::tuple{
        field("matchLabels", &P::match_labels, "Labels that must have exactly these values."),
        field("matchExpressions", &P::match_expressions, "Further conditions on labels."),
    };
  }
  static Result<void> check(const LabelSelectorParams& params);
};

// Keeps the endpoints whose labels match; an empty selector keeps all.
class LabelSelectorFilter final : public Filter {
 public:
  using Params = LabelSelectorParams;
  static constexpr std::string_view kType = "label-selector-filter";
  static constexpr std::string_view kHelp = "Keeps endpoints whose labels match a selector.";

  LabelSelectorFilter(Params params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  LabelSelector selector_;
  PerEndpoint<bool> stays_;
};

}  // namespace pointsman
