#pragma once

#include "pointsman/model/fleet.h"
#include "pointsman/model/request.h"
#include "pointsman/stage/producer.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/telemetry/sample.h"

namespace pointsman {

// Gives what a plugin sampled to the families it named. `fleet`: that of the decision.
void observe_samples(const Samples& samples, const TypedName& plugin, const Request& request,
                     const Fleet& fleet, MetricShard& shard);

// What a plugin exposes as a gauge, for Metrics::add_source().
Sample gauge_sample(GaugeReading reading, const TypedName& plugin);

}  // namespace pointsman
