#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/plugins/producers/scraped_attribute.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// The values that count as 0 and as 1.
struct AttributeRange {
  double min = 0.0;
  double max = 0.0;
  static constexpr auto fields() {
    using P = AttributeRange;
    return std::tuple{field("min", &P::min, "The value that counts as least."),
                      field("max", &P::max, "The value that counts as greatest.")};
  }
};

struct EndpointAttributeScorerParams {
  using FixedRange = AttributeRange;
  struct AdaptiveRange {
    static constexpr auto fields() { return std::tuple{}; }
  };
  struct Normalization {
    std::optional<FixedRange> fixed;
    std::optional<AdaptiveRange> adaptive;
    static constexpr auto fields() {
      using P = Normalization;
      return std::tuple{
          field("fixedRange", &P::fixed, "Between two given values."),
          field("adaptiveRange", &P::adaptive,
                "Between the least and the greatest of the candidates; the default."),
      };
    }
  };
  struct Algorithm {
    std::string type;
    Normalization normalization;
    static constexpr auto fields() {
      using P = Algorithm;
      return std::tuple{
          field("type", &P::type, "linear_lower_is_better or linear_higher_is_better."),
          field("normalization", &P::normalization, "What counts as 0 and as 1."),
      };
    }
  };

  std::string attribute;
  std::optional<std::string> producer;
  Algorithm algorithm;

  static constexpr auto fields() {
    using P = EndpointAttributeScorerParams;
    return std::tuple{
        field("attributeKey", &P::attribute, "Name of the attribute; required."),
        field("producer", &P::producer, "Who produces it; absent: core-metrics-extractor."),
        field("algorithm", &P::algorithm, "How the attribute becomes a score."),
    };
  }
  static Result<void> check(const EndpointAttributeScorerParams& params);
};

// Scores endpoints by one of their scraped numbers, linearly. One that does not tell it scores 0.
class EndpointAttributeScorer final : public Scorer {
 public:
  using Params = EndpointAttributeScorerParams;
  static constexpr std::string_view kType = "endpoint-attribute-scorer";
  static constexpr std::string_view kHelp = "Prefers endpoints by any of their metrics.";

  EndpointAttributeScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override;
  std::string_view unit() const override { return "metric"; }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;

 private:
  ScrapedAttribute attribute_;
  bool lower_is_better_;
  std::optional<Params::FixedRange> fixed_;
};

}  // namespace pointsman
