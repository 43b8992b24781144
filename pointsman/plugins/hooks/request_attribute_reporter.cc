#include "pointsman/plugins/hooks/request_attribute_reporter.h"

#include <cmath>

namespace pointsman {
namespace {

using Kind = UsageExpression::Value::Kind;

// The number, cut off towards zero; nothing when it is none.
std::optional<double> number(const UsageExpression::Value& value) {
  if (value.kind == Kind::integer) return static_cast<double>(value.integer);
  if (value.kind != Kind::number || !std::isfinite(value.number)) return std::nullopt;
  return std::trunc(value.number);
}

}  // namespace

Result<void> AttributeReporterParams::check(const AttributeReporterParams& params) {
  const auto refuse = [](std::string text) { return fail(Code::invalid_config, std::move(text)); };
  if (params.attributes.size() != 1) return refuse("attributes must contain exactly one entry");
  const Attribute& attribute = params.attributes.front();
  if (attribute.key.name.empty()) return refuse("attributeKey.name cannot be empty");
  if (attribute.expression.empty()) return refuse("attributes[0].expression cannot be empty");
  if (const auto compiled = UsageExpression::compile(attribute.expression); !compiled) {
    return refuse("failed to compile expression: " + compiled.error().message);
  }
  if (attribute.condition.empty()) return {};
  if (const auto compiled = UsageExpression::compile(attribute.condition); !compiled) {
    return refuse("failed to compile condition: " + compiled.error().message);
  }
  return {};
}

RequestAttributeReporter::RequestAttributeReporter(const Params& params, Setup& /*setup*/)
    : key_(params.attributes.front().key),
      expression_(*UsageExpression::compile(params.attributes.front().expression)) {
  const std::string& condition = params.attributes.front().condition;
  if (!condition.empty()) condition_ = *UsageExpression::compile(condition);
}

void RequestAttributeReporter::finished(const Context& /*context*/, const Decision& /*decision*/,
                                        const Answer& answer, Effects& effects) {
  if (!answer.whole || effects.metadata == nullptr) return;
  if (condition_) {
    const auto holds = condition_->evaluate(answer.usage);
    if (holds.kind != Kind::boolean || !holds.boolean) return;
  }
  const auto result = number(expression_.evaluate(answer.usage));
  if (result && *result != 0.0) effects.metadata->set(key_.space, key_.name, *result);
}

}  // namespace pointsman
