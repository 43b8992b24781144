#pragma once

#include "pointsman/model/names.h"
#include "pointsman/stage/producer.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// Gives a hook's samples to the families they name, labelled with the plugin.
void observe_samples(const Samples& samples, const TypedName& plugin, MetricShard& shard);

}  // namespace pointsman
