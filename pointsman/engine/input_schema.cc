#include "pointsman/engine/input_schema.h"

#include <algorithm>
#include <string>

#include "pointsman/config/config_text.h"

namespace pointsman {
namespace {

// Whether a plugin's answers must be repeatable from the record. What runs before scheduling need
// not be: its result is recorded.
bool is_replayed(const Instance& plugin) {
  const bool before = plugin.producer != nullptr || plugin.arrival_hook != nullptr ||
                      plugin.screener != nullptr || plugin.admitter != nullptr;
  return !before || plugin.filter != nullptr || plugin.scorer != nullptr ||
         plugin.picker != nullptr || plugin.handler != nullptr;
}

}  // namespace

std::shared_ptr<const InputSchema> input_schema(const EndpointPickerConfig& config,
                                                PluginSet& plugins) {
  auto schema = std::make_shared<InputSchema>();
  for (const auto& instance : plugins.all()) {
    if (!is_replayed(*instance)) continue;
    for (const Declaration& d : instance->declarations) {
      if (d.access == Declaration::Access::produces && instance->producer == nullptr) continue;
      const SignalColumn* const column = plugins.signals().column(d.key);
      if (column == nullptr) continue;  // its values stand in the Fleet
      const bool there = std::ranges::any_of(
          schema->columns, [&](const SignalColumn& c) { return c.place == column->place; });
      if (!there) schema->columns.push_back(*column);
    }
  }
  std::ranges::sort(schema->columns, {}, &SignalColumn::place);
  schema->headers = plugins.signals().headers();
  schema->config = to_yaml(to_node(config));
  return schema;
}

}  // namespace pointsman
