#include "pointsman/app/plugin_state.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <exception>
#include <string_view>
#include <vector>

#include "pointsman/base/json_reader.h"
#include "pointsman/record/json_writer.h"

namespace pointsman {
namespace {

// In UTC, as Go's RFC3339Nano: 2025-01-02T03:04:05.1234Z, without the last zeros.
std::string utc_text(std::chrono::system_clock::time_point at) {
  const auto since = at.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  const std::time_t seconds = whole.count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::string out(text.data(),
                  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts));
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(since - whole).count();
  if (ns > 0) {
    out += "." + std::to_string(1'000'000'000 + ns).substr(1);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

bool is_json(std::string_view text) {
  JsonReader reader(text);
  reader.peek();
  reader.skip();
  return reader.finish();
}

Result<std::string> dump(const StateDumper& plugin, const Fleet& fleet) {
  try {
    return plugin.dump(fleet);
  } catch (const std::exception& e) {
    return fail(Code::internal, e.what());
  } catch (...) {
    return fail(Code::internal, "it threw something");
  }
}

void write_state(JsonWriter& json, const Instance& plugin, const Fleet& fleet) {
  if (plugin.dumper == nullptr) {
    json.field("message", "plugin does not support state collection");
    return;
  }
  const auto state = dump(*plugin.dumper, fleet);
  if (!state) {
    json.field("message", "failed to dump plugin state: " + state.error().message);
  } else if (state->empty()) {
    json.key("state").raw("null");
  } else if (is_json(*state)) {
    json.key("state").raw(*state);
  } else {
    json.field("message", "plugin returned invalid JSON state");
  }
}

}  // namespace

std::string plugin_state_json(const PluginSet& plugins, const Fleet& fleet,
                              std::chrono::system_clock::time_point now) {
  std::vector<const Instance*> sorted;
  for (const auto& plugin : plugins.all()) sorted.push_back(plugin.get());
  std::ranges::sort(sorted, {}, [](const Instance* p) { return std::string_view(p->name.name); });

  JsonWriter json;
  json.open('{').field("timestamp", utc_text(now)).key("plugins").open('{');
  for (const Instance* const plugin : sorted) {
    json.key(plugin->name.name)
        .open('{')
        .field("name", plugin->name.name)
        .field("type", plugin->name.type);
    write_state(json, *plugin, fleet);
    json.close('}');
  }
  json.close('}').close('}');
  return json.take();
}

}  // namespace pointsman
