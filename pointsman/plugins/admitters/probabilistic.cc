#include "pointsman/plugins/admitters/probabilistic.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "pointsman/base/general_number.h"

namespace pointsman {
namespace {

constexpr std::string_view kName = "plugin 'probabilistic-admitter': ";

std::string fixed(double value, int digits) {
  std::array<char, 400> text{};  // 1e308 has 309 digits
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits)
          .ptr;
  return {text.data(), end};
}

// The greater of two, if it is known.
double greater(double a, double b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : std::max(a, b);
}

}  // namespace

Result<void> ProbabilisticParams::check(const ProbabilisticParams& params) {
  const auto refuse = [](std::string_view name, const std::string& value) {
    return fail(Code::invalid_config,
                std::string(kName) + std::string(name) + " must be > 0, got " + value);
  };
  if (params.queue_depth <= 0) {
    return refuse("queueDepthThreshold", std::to_string(params.queue_depth));
  }
  if (!(params.kv_cache_util > 0)) {
    return refuse("kvCacheUtilThreshold", general_number(params.kv_cache_util));
  }
  if (!(params.power > 0)) return refuse("power", general_number(params.power));
  if (!(params.k > 0)) return refuse("k", general_number(params.k));
  return {};
}

ProbabilisticAdmitter::ProbabilisticAdmitter(const Params& params, Setup& setup) : params_(params) {
  setup.reads_load_if_there({"WaitingQueueSize", "core-metrics-extractor"});
  setup.reads_load_if_there({"KVCacheUsagePercent", "core-metrics-extractor"});
}

double ProbabilisticAdmitter::saturation(const Context& context,
                                         std::span<const EndpointIndex> candidates) const {
  const LoadView waiting = context.load(Load::waiting);
  const LoadView used = context.load(Load::kv_usage);
  double sum = 0.0;
  for (const EndpointIndex e : candidates) {
    const double full = greater(waiting[e] / static_cast<double>(params_.queue_depth),
                                used[e] / params_.kv_cache_util);
    sum += std::isnan(full) ? 1.0 : full;
  }
  return sum / static_cast<double>(candidates.size());
}

double ProbabilisticAdmitter::probability(double saturation) const {
  return std::min(std::pow(saturation, params_.power) * params_.k, 1.0);
}

Result<void> ProbabilisticAdmitter::admit(const Context& context,
                                          std::span<const EndpointIndex> candidates,
                                          Random random) const {
  if (context.request.priority >= 0 || candidates.empty()) return {};
  const double full = saturation(context, candidates);
  const double refuse = probability(full);
  if (!(random.unit() < refuse)) return {};
  return fail(Code::resource_exhausted,
              "probabilistic-admitter: rejected, saturation=" + fixed(full, 3) +
                  " prob=" + fixed(refuse, 2),
              "rejected-saturated");
}

}  // namespace pointsman
