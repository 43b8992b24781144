#include "pointsman/engine/engine_worker.h"

#include "pointsman/telemetry/families.h"

namespace pointsman {

EngineWorker::EngineWorker(Metrics& metrics, MetricShard& own, const Published<Fleet>& fleets,
                           std::uint64_t seed)
    : scheduler(metrics, own),
      shard(own),
      fleet(fleets),
      random(seed),
      request_processing(metrics.series(metric::kRequestProcessing)),
      response_processing(metrics.series(metric::kResponseProcessing)) {}

}  // namespace pointsman
