#include "pointsman/engine/data_graph.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace pointsman {
namespace {

using Access = Declaration::Access;

// The declaration with which `instance` produces the key, or nullptr.
const Declaration* produced(const Instance& instance, const DataKey& key) {
  const auto found = std::ranges::find_if(instance.declarations, [&](const Declaration& d) {
    return d.access == Access::produces && d.key == key;
  });
  return found == instance.declarations.end() ? nullptr : &*found;
}

bool anybody_produces(const PluginSet& plugins, const DataKey& key) {
  return std::ranges::any_of(
      plugins.all(), [&](const auto& instance) { return produced(*instance, key) != nullptr; });
}

struct Missing {
  DataKey key;
  std::string consumer;
};

std::vector<Missing> missing_keys(const PluginSet& plugins) {
  std::vector<Missing> missing;
  for (const auto& instance : plugins.all()) {
    for (const Declaration& d : instance->declarations) {
      if (d.access == Access::requires_it && !anybody_produces(plugins, d.key)) {
        missing.push_back({d.key, instance->name.name});
      }
    }
  }
  return missing;
}

// When a plugin runs: the flow control's policies, then what knows of a request before and after
// scheduling, then scheduling itself. Unordered: the data layer and the rest.
constexpr int kUnordered = -1;
int layer(const Instance& plugin) {
  if (plugin.flow_policy != nullptr) return 0;
  if (plugin.producer != nullptr || plugin.hook != nullptr || plugin.response_hook != nullptr ||
      plugin.arrival_hook != nullptr || plugin.screener != nullptr || plugin.admitter != nullptr) {
    return 1;
  }
  if (plugin.handler != nullptr || plugin.filter != nullptr || plugin.scorer != nullptr ||
      plugin.picker != nullptr || plugin.decider != nullptr) {
    return 2;
  }
  return kUnordered;
}

// Depth-first over "reads from", so that what is read comes first.
class Order {
 public:
  explicit Order(const PluginSet& plugins) : plugins_(plugins), state_(plugins.all().size()) {}

  Result<std::vector<const Instance*>> run() {
    for (std::size_t i = 0; i < state_.size(); ++i) {
      if (auto done = visit(i); !done) return std::unexpected(done.error());
    }
    return std::move(ordered_);
  }

 private:
  enum class State : std::uint8_t { fresh, open, done };

  Result<void> visit(std::size_t i) {
    const Instance& consumer = *plugins_.all()[i];
    if (state_[i] == State::done) return {};
    state_[i] = State::open;
    for (const Declaration& d : consumer.declarations) {
      if (d.access == Access::produces) continue;
      for (std::size_t p = 0; p < state_.size(); ++p) {
        const Declaration* const made = p == i ? nullptr : produced(*plugins_.all()[p], d.key);
        if (made == nullptr) continue;
        if (made->type != d.type) {
          return fail(
              Code::invalid_config,
              "data type mismatch between produced and consumed data for key: " + d.key.text());
        }
        if (d.access == Access::requires_it && layer(*plugins_.all()[p]) > layer(consumer)) {
          return fail(Code::invalid_config, "invalid plugin layer execution order: producer " +
                                                plugins_.all()[p]->name.name +
                                                " needs to be executed before consumer " +
                                                consumer.name.name);
        }
        if (state_[p] == State::open) {
          if (d.access == Access::reads_if_there) continue;
          return fail(Code::invalid_config, "cycle detected: graph is not a DAG");
        }
        if (auto done = visit(p); !done) return done;
      }
    }
    state_[i] = State::done;
    if (consumer.producer != nullptr) ordered_.push_back(&consumer);
    return {};
  }

  const PluginSet& plugins_;
  std::vector<State> state_;
  std::vector<const Instance*> ordered_;
};

}  // namespace

Diagnostics create_missing_producers(PluginSet& plugins) {
  while (true) {
    const std::vector<Missing> missing = missing_keys(plugins);
    const std::size_t before = plugins.all().size();
    Diagnostics problems;
    for (const Missing& m : missing) {
      if (anybody_produces(plugins, m.key)) continue;  // created in this round
      const Registration* const maker = plugins.registry().default_producer(m.key);
      if (maker == nullptr) {
        problems.push_back({.path = m.consumer,
                            .text = "no default producer found for missing data key " +
                                    m.key.text() + ", consumed by " + m.consumer});
        continue;
      }
      if (auto made = plugins.inject(maker->type); !made) {
        problems.push_back({.path = m.consumer,
                            .text = "failed to instantiate data producer \"" +
                                    std::string(maker->type) + "\": " + made.error().message +
                                    ", this is required by datakey: " + m.key.text() +
                                    ", which is consumed by: " + m.consumer});
      }
    }
    if (!problems.empty() || plugins.all().size() == before) return problems;
  }
}

Diagnostics unproduced_keys(const PluginSet& plugins) {
  Diagnostics lines;
  for (const auto& instance : plugins.all()) {
    for (const Declaration& d : instance->declarations) {
      if (d.access != Access::reads_if_there || anybody_produces(plugins, d.key)) continue;
      lines.push_back({.path = instance->name.name,
                       .text = "nobody produces " + d.key.text() + ", which '" +
                               instance->name.name + "' reads if it is there"});
    }
  }
  return lines;
}

Result<std::vector<const Instance*>> order_producers(const PluginSet& plugins) {
  return Order(plugins).run();
}

}  // namespace pointsman
