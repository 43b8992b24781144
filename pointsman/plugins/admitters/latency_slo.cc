#include "pointsman/plugins/admitters/latency_slo.h"

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr double kCold = 0.02;  // share of the KV cache in use below which a server is cold

// A number of milliseconds; 0 when it is none.
double objective(std::string_view text) {
  return number_in<double>(text).value_or(0.0);
}

}  // namespace

LatencySloAdmitter::LatencySloAdmitter(const Params& params, Setup& setup)
    : latency_(setup.reads<LatencyPrediction>(
          DataKey{"LatencyPredictionInfoDataKey", "predicted-latency-producer"}.from(
              params.latency_producer))) {
  setup.reads_load_if_there({"KVCacheUsagePercent", "core-metrics-extractor"});
  setup.reads_load_if_there({"RunningRequestsSize", "core-metrics-extractor"});
}

Result<void> LatencySloAdmitter::admit(const Context& context,
                                       std::span<const EndpointIndex> candidates,
                                       Random /*random*/) const {
  const Request& request = context.request;
  if (request.priority >= 0) return {};
  const double ttft = objective(request.header("x-llm-d-slo-ttft-ms", "x-slo-ttft-ms"));
  const double tpot = objective(request.header("x-llm-d-slo-tpot-ms", "x-slo-tpot-ms"));
  if (!(ttft > 0.0) && !(tpot > 0.0)) return {};
  const auto predictions = context.signals.read(latency_);
  if (predictions.empty()) return {};
  const LoadView used = context.load(Load::kv_usage);
  const LoadView running = context.load(Load::running);
  bool predicted = false;
  for (const EndpointIndex e : candidates) {
    const LatencyPrediction& prediction = predictions[e];
    predicted = predicted || prediction.known;
    if (prediction.known && prediction.ttft_valid && prediction.tpot_valid) return {};
    // Written so that a missing load admits.
    if (!(used[e] >= kCold) || !(running[e] > 0.0)) return {};
  }
  if (!predicted) return {};
  return fail(Code::resource_exhausted, "no valid endpoint available to serve the request",
              "rejected-saturated");
}

}  // namespace pointsman
