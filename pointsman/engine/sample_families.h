#pragma once

#include "pointsman/model/fleet.h"
#include "pointsman/model/request.h"
#include "pointsman/stage/producer.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// Gives what a plugin sampled to the families it named. `fleet`: that of the decision.
void observe_samples(const Samples& samples, const TypedName& plugin, const Request& request,
                     const Fleet& fleet, MetricShard& shard);

}  // namespace pointsman
