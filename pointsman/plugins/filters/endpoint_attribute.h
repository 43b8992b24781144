#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/plugins/producers/scraped_attribute.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// What an attribute is compared with, and how.
struct AttributeThreshold {
  enum class Operator : std::uint8_t { lt, le, gt, ge, eq, ne };
  static constexpr auto kOperators =
      std::to_array<Named<Operator>>({{"LessThan", Operator::lt},
                                      {"LessThanOrEqual", Operator::le},
                                      {"GreaterThan", Operator::gt},
                                      {"GreaterThanOrEqual", Operator::ge},
                                      {"Equal", Operator::eq},
                                      {"NotEqual", Operator::ne}});

  std::optional<Operator> op;
  double value = 0.0;
  static constexpr auto fields() {
    using P = AttributeThreshold;
    return std::tuple{
        field("operator", &P::op, kOperators, "How the attribute must compare with the value."),
        field("value", &P::value, "What the attribute is compared with.")};
  }
};

struct EndpointAttributeFilterParams {
  using Threshold = AttributeThreshold;
  using Operator = AttributeThreshold::Operator;
  enum class OnMissing : std::uint8_t { pass, fail };
  static constexpr auto kOnMissing =
      std::to_array<Named<OnMissing>>({{"Pass", OnMissing::pass}, {"Fail", OnMissing::fail}});

  struct Algorithm {
    std::string type;
    std::optional<Threshold> threshold;
    static constexpr auto fields() {
      using P = Algorithm;
      return std::tuple{field("type", &P::type, "Must be \"threshold\"."),
                        field("threshold", &P::threshold, "The comparison; required.")};
    }
  };

  std::string attribute;
  std::optional<std::string> producer;
  OnMissing on_missing = OnMissing::pass;
  bool fallback_on_empty = false;
  Algorithm algorithm;

  static constexpr auto fields() {
    using P = EndpointAttributeFilterParams;
    return std::tuple{
        field("attribute", &P::attribute, "Name of the attribute; required."),
        field("producer", &P::producer, "Who produces it; absent: core-metrics-extractor."),
        field("onMissing", &P::on_missing, kOnMissing,
              "Whether an endpoint without the attribute stays."),
        field("fallbackOnEmpty", &P::fallback_on_empty, "Keep all when none would stay."),
        field("algorithm", &P::algorithm, "How the attribute decides."),
    };
  }
  static Result<void> check(const EndpointAttributeFilterParams& params);
};

// Keeps the endpoints one of whose scraped numbers compares as wanted.
class EndpointAttributeFilter final : public Filter {
 public:
  using Params = EndpointAttributeFilterParams;
  static constexpr std::string_view kType = "endpoint-attribute-filter";
  static constexpr std::string_view kHelp =
      "Keeps endpoints whose metric is below, above or equal to a value.";

  EndpointAttributeFilter(const Params& params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  bool holds(double value) const;

  ScrapedAttribute attribute_;
  Params::Threshold threshold_;
  bool keep_missing_;
  bool fallback_;
};

}  // namespace pointsman
