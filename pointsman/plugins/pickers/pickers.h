#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct PickerParams {
  int max_endpoints = 1;

  static constexpr auto fields() {
    return std::tuple{field("maxNumOfEndpoints", &PickerParams::max_endpoints,
                            "How many endpoints to pick, best first; below 1 counts as 1.")};
  }
};

// Picks the endpoints with the highest totals, best first; equal totals in random order.
class MaxScorePicker final : public Picker {
 public:
  using Params = PickerParams;
  static constexpr std::string_view kType = "max-score-picker";
  static constexpr std::string_view kHelp = "Picks the endpoint with the highest total.";

  MaxScorePicker(Params params, Setup& setup);
  std::size_t pick(std::span<const EndpointIndex> candidates, std::span<const double> totals,
                   Random& random, Trace& trace, std::span<EndpointIndex> out) const override;

 private:
  std::size_t wanted_;
};

// Picks at random, whatever the totals.
class RandomPicker final : public Picker {
 public:
  using Params = PickerParams;
  static constexpr std::string_view kType = "random-picker";
  static constexpr std::string_view kHelp = "Picks endpoints uniformly at random.";

  RandomPicker(Params params, Setup& setup);
  std::size_t pick(std::span<const EndpointIndex> candidates, std::span<const double> totals,
                   Random& random, Trace& trace, std::span<EndpointIndex> out) const override;

 private:
  std::size_t wanted_;
};

// Picks at random with probability proportional to the total (A-Res: Efraimidis and Spirakis
// 2006): the greatest keys ln(u)/total win. The logarithm keeps small totals apart, where
// u^(1/total) would underflow to 0. Endpoints without a positive total come after all others.
class WeightedRandomPicker final : public Picker {
 public:
  using Params = PickerParams;
  static constexpr std::string_view kType = "weighted-random-picker";
  static constexpr std::string_view kHelp =
      "Picks endpoints at random, with probabilities in proportion to their totals.";

  WeightedRandomPicker(Params params, Setup& setup);
  std::size_t pick(std::span<const EndpointIndex> candidates, std::span<const double> totals,
                   Random& random, Trace& trace, std::span<EndpointIndex> out) const override;

 private:
  std::size_t wanted_;
};

}  // namespace pointsman
