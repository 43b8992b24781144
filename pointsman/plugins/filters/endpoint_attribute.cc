#include "pointsman/plugins/filters/endpoint_attribute.h"

#include <cmath>

namespace pointsman {
namespace {

using Operator = AttributeThreshold::Operator;

}  // namespace

Result<void> EndpointAttributeFilterParams::check(const EndpointAttributeFilterParams& params) {
  if (auto key = ScrapedAttribute::key("attribute", params.attribute, params.producer); !key) {
    return std::unexpected(key.error());
  }
  const Algorithm& algorithm = params.algorithm;
  if (algorithm.type != "threshold") {
    return fail(Code::invalid_config,
                "algorithm.type must be \"threshold\", got \"" + algorithm.type + "\"");
  }
  if (!algorithm.threshold) {
    return fail(Code::invalid_config, "algorithm.threshold is required");
  }
  if (!algorithm.threshold->op) {
    return fail(Code::invalid_config, "algorithm.threshold.operator is required");
  }
  return {};
}

EndpointAttributeFilter::EndpointAttributeFilter(const Params& params, Setup& setup)
    : attribute_(*ScrapedAttribute::key("attribute", params.attribute, params.producer), setup),
      threshold_(*params.algorithm.threshold),
      keep_missing_(params.on_missing == Params::OnMissing::pass),
      fallback_(params.fallback_on_empty) {}

bool EndpointAttributeFilter::holds(double value) const {
  if (std::isnan(value)) return keep_missing_;
  switch (*threshold_.op) {
    case Operator::lt:
      return value < threshold_.value;
    case Operator::le:
      return value <= threshold_.value;
    case Operator::gt:
      return value > threshold_.value;
    case Operator::ge:
      return value >= threshold_.value;
    case Operator::eq:
      return value == threshold_.value;
    case Operator::ne:
      return value != threshold_.value;
  }
  return false;
}

void EndpointAttributeFilter::filter(const Context& context, Candidates& candidates) const {
  const auto values = attribute_.values(context);
  const auto keep = [&](EndpointIndex e) { return holds(values ? (*values)[e] : kMissing); };
  if (fallback_) {
    candidates.keep_if_any(DropReason::attribute, keep);
  } else {
    candidates.keep_if(DropReason::attribute, keep);
  }
}

}  // namespace pointsman
