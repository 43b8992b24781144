#include "pointsman/plugins/scorers/endpoint_attribute.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pointsman {
namespace {

constexpr std::string_view kLower = "linear_lower_is_better";
constexpr std::string_view kHigher = "linear_higher_is_better";

}  // namespace

Result<void> EndpointAttributeScorerParams::check(const EndpointAttributeScorerParams& params) {
  if (auto key = ScrapedAttribute::key("attributeKey", params.attribute, params.producer); !key) {
    return std::unexpected(key.error());
  }
  const Algorithm& algorithm = params.algorithm;
  if (algorithm.type != kLower && algorithm.type != kHigher) {
    return fail(Code::invalid_config,
                "algorithm.type must be \"linear_lower_is_better\" or "
                "\"linear_higher_is_better\", got \"" +
                    algorithm.type + "\"");
  }
  const Normalization& normalization = algorithm.normalization;
  if (normalization.fixed && normalization.adaptive) {
    return fail(Code::invalid_config,
                "algorithm.normalization: at most one normalization strategy may be set");
  }
  if (normalization.fixed && !(normalization.fixed->min < normalization.fixed->max)) {
    return fail(Code::invalid_config,
                "algorithm.normalization.fixedRange: min must be less than max");
  }
  return {};
}

EndpointAttributeScorer::EndpointAttributeScorer(const Params& params, Setup& setup)
    : attribute_(*ScrapedAttribute::key("attributeKey", params.attribute, params.producer), setup),
      lower_is_better_(params.algorithm.type == kLower),
      fixed_(params.algorithm.normalization.fixed) {}

Reading EndpointAttributeScorer::reading() const {
  if (attribute_.load()) return {Reading::From::load, *attribute_.load()};
  return {.from = Reading::From::signal};
}

void EndpointAttributeScorer::score(const Context& context,
                                    std::span<const EndpointIndex> candidates,
                                    std::span<double> out) const {
  std::ranges::fill(out, 0.0);
  const auto values = attribute_.values(context);
  if (!values) return;
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (const EndpointIndex e : candidates) {
    const double value = (*values)[e];
    if (value < least) least = value;  // both are false for NaN
    if (value > most) most = value;
  }
  if (fixed_) {
    least = fixed_->min;
    most = fixed_->max;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double value = (*values)[candidates[i]];
    if (std::isnan(value)) continue;
    if (!(most > least)) {
      out[i] = 1.0;
      continue;
    }
    const double share = std::clamp((value - least) / (most - least), 0.0, 1.0);
    out[i] = lower_is_better_ ? 1.0 - share : share;
  }
}

void EndpointAttributeScorer::readings(const Context& context,
                                       std::span<const EndpointIndex> candidates,
                                       std::span<float> out) const {
  const auto values = attribute_.values(context);
  if (!values) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>((*values)[candidates[i]]);
  }
}

}  // namespace pointsman
