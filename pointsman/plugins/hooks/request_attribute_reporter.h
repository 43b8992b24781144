#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pointsman/plugins/hooks/usage_expression.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct AttributeReporterParams {
  struct Key {
    std::string space = "envoy.lb";
    std::string name;

    static constexpr auto fields() {
      return std::tuple{field("namespace", &Key::space, "Of the proxy's dynamic metadata."),
                        field("name", &Key::name, "Of the number there; required.")};
    }
  };
  struct Attribute {
    Key key;
    std::string expression;
    std::string condition;

    static constexpr auto fields() {
      using P = Attribute;
      return std::tuple{
          field("key", &P::key, "Where the number goes."),
          field("expression", &P::expression,
                "What it is, in CEL: usage.prompt_tokens and the like; required."),
          field("condition", &P::condition, "Whether it is told at all; empty: always."),
      };
    }
  };
  std::vector<Attribute> attributes;

  static constexpr auto fields() {
    return std::tuple{
        field("attributes", &AttributeReporterParams::attributes, "Exactly one."),
    };
  }
  static Result<void> check(const AttributeReporterParams& params);
};

// Computes a number from the token counts of an answer and tells it to the proxy as dynamic
// metadata, with the answer's end (spec/03 section 15.5). A result of 0 is not told.
class RequestAttributeReporter final : public ResponseHook {
 public:
  using Params = AttributeReporterParams;
  static constexpr std::string_view kType = "request-attribute-reporter";
  static constexpr std::string_view kHelp =
      "Tells the proxy a number computed from the answer's token counts, as dynamic metadata.";
  static constexpr std::string_view kParseError = "failed to unmarshal config: ";

  RequestAttributeReporter(const Params& params, Setup& setup);
  void finished(const Context& context, const Decision& decision, const Answer& answer,
                Effects& effects) override;

 private:
  AttributeReporterParams::Key key_;
  UsageExpression expression_;
  std::optional<UsageExpression> condition_;
};

}  // namespace pointsman
