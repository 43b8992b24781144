#include "pointsman/engine/sample_families.h"

#include "pointsman/base/bug.h"

namespace pointsman {

void observe_samples(const Samples& samples, const TypedName& plugin, MetricShard& shard) {
  for (const Samples::Sample& sample : samples.all()) {
    if (sample.family == "prefix_indexer_hit_ratio") {
      shard.observe(shard.with(metric::kPrefixHitRatio, plugin.name, plugin.type), sample.value);
    } else if (sample.family == "prefix_indexer_hit_bytes") {
      shard.observe(shard.with(metric::kPrefixHitBytes, plugin.name, plugin.type), sample.value);
    } else {
      bug("a plugin samples a family that does not exist");
    }
  }
}

}  // namespace pointsman
