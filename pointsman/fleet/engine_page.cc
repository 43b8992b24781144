#include "pointsman/fleet/engine_page.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

template <typename T>
std::optional<T> whole_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return number_in<T>(text);
}

// The parts of a comma-separated list, trimmed, each once, sorted; empty ones are left out.
void split(std::string_view list, std::size_t limit, std::vector<std::string>& out) {
  out.clear();
  while (!list.empty() && out.size() < limit) {
    const std::string_view part = trim(take_part(list, ','), kLineBlank);
    if (!part.empty()) out.emplace_back(part);
  }
  std::ranges::sort(out);
  const auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
}

std::string with_labels(const MetricSpec& spec) {
  std::string out = "\"" + spec.name + "\" with labels {";
  for (const auto& [name, value] : spec.labels) {
    if (!out.ends_with('{')) out += ',';
    out.append(name).append("=\"").append(value).append("\"");
  }
  return out + "}";
}

}  // namespace

EnginePage::EnginePage(std::shared_ptr<const EngineMapping> mapping)
    : mapping_(std::move(mapping)), wanted_(names(*mapping_)), text_(wanted_), searches_(kItems) {
  look(Item::waiting, mapping_->waiting);
  look(Item::running, mapping_->running);
  look(Item::kv_usage, mapping_->kv_usage);
  look(Item::adapters, mapping_->adapters);
  look(Item::cache_info, mapping_->cache_info);
  look(Item::block_size, mapping_->block_size);
  look(Item::num_blocks, mapping_->num_blocks);
  for (const EngineMapping::Custom& custom : mapping_->custom) look(custom);
}

std::vector<std::string> EnginePage::names(const EngineMapping& mapping) {
  std::vector<std::string> names;
  for (const auto* spec : {&mapping.waiting, &mapping.running, &mapping.kv_usage, &mapping.adapters,
                           &mapping.cache_info, &mapping.block_size, &mapping.num_blocks}) {
    if (*spec) names.push_back((*spec)->name);
  }
  for (const EngineMapping::Custom& custom : mapping.custom) names.push_back(custom.spec.name);
  return names;
}

void EnginePage::look(Item item, const std::optional<MetricSpec>& spec) {
  if (!spec) return;
  search(item).spec = &*spec;
  search(item).metric = wanted_.index(spec->name);
}

void EnginePage::look(const EngineMapping::Custom& custom) {
  searches_.push_back({.spec = &custom.spec, .metric = wanted_.index(custom.spec.name)});
  reading_.attributes.push_back({.key = custom.key + "/core-metrics-extractor"});
}

void EnginePage::begin() {
  text_.begin();
  for (Search& s : searches_) {
    s = Search{.spec = s.spec, .metric = s.metric};
  }
}

bool EnginePage::feed(std::string_view piece) {
  text_.feed(piece);
  read_samples();
  return !text_.over_limit();
}

void EnginePage::read_samples() {
  while (const MetricSample* const sample = text_.next()) {
    for (std::size_t i = 0; i < searches_.size(); ++i) {
      Search& s = searches_[i];
      if (s.spec == nullptr || s.metric != sample->metric) continue;
      s.seen = true;
      if (s.spec->matches(*sample)) take(i, s, *sample);
    }
  }
}

void EnginePage::take(std::size_t item, Search& found, const MetricSample& sample) {
  const auto is = [item](Item which) { return item == static_cast<std::size_t>(which); };
  if (is(Item::adapters)) {
    // The value is the time at which the server last changed the list.
    if (!(sample.value > (found.matched ? found.value : -1.0))) return;
    found_adapters_.running = sample.label("running_lora_adapters");
    found_adapters_.waiting = sample.label("waiting_lora_adapters");
    found_adapters_.room = sample.label("max_lora");
  } else if (found.matched && sample.timestamp <= found.timestamp) {
    return;
  }
  if (is(Item::cache_info)) {
    block_size_ = sample.label(mapping_->block_size_label);
    num_blocks_ = sample.label(mapping_->num_blocks_label);
  }
  found.matched = true;
  found.type = sample.type;
  found.value = sample.value;
  found.timestamp = sample.timestamp;
}

const PageReading& EnginePage::finish() {
  text_.finish();
  read_samples();
  const auto load = [&](Load which) -> double& {
    return reading_.loads[static_cast<std::size_t>(which)];
  };
  load(Load::waiting) = std::trunc(number(Item::waiting));
  load(Load::running) = std::trunc(number(Item::running));
  load(Load::kv_usage) = number(Item::kv_usage);
  finish_adapters();
  load(Load::block_size) = std::trunc(number(Item::block_size));
  load(Load::num_blocks) = std::trunc(number(Item::num_blocks));
  finish_cache_info();
  finish_custom();
  reading_.problems = static_cast<std::size_t>(
      std::ranges::count_if(searches_, [](const Search& s) { return s.problem != Problem::none; }));
  return reading_;
}

void EnginePage::finish_custom() {
  for (std::size_t i = 0; i < reading_.attributes.size(); ++i) {
    reading_.attributes[i].value = number(searches_[kItems + i]);
  }
}

double EnginePage::number(Search& s) {
  if (s.spec == nullptr) return kMissing;
  if (!s.matched) {
    s.problem = text_.malformed(s.metric) ? Problem::malformed
                : s.seen                  ? Problem::no_match
                                          : Problem::not_found;
  } else if (s.type == MetricType::histogram || s.type == MetricType::summary) {
    s.problem = Problem::wrong_type;
  } else if (!std::isfinite(s.value)) {
    s.problem = Problem::not_a_number;
  } else {
    return s.value;
  }
  return kMissing;
}

// That the metric is not there is no problem: servers without adapters do not have it.
void EnginePage::finish_adapters() {
  Search& s = search(Item::adapters);
  reading_.adapters = PageReading::Adapters::not_told;
  if (s.spec == nullptr) return;
  if (!s.matched) {
    if (text_.malformed(s.metric)) s.problem = Problem::malformed;
    return;
  }
  const auto room = whole_number<std::uint32_t>(found_adapters_.room);
  if (!room && !found_adapters_.room.empty()) s.problem = Problem::not_a_number;
  if (adapters_known_ && found_adapters_ == last_adapters_) {
    reading_.adapters = PageReading::Adapters::same;
    return;
  }
  reading_.adapters = PageReading::Adapters::changed;
  split(found_adapters_.running, kMaxAdapters, adapters_.active);
  split(found_adapters_.waiting, kMaxAdapters, adapters_.waiting);
  if (room) adapters_.room = *room;
  last_adapters_ = found_adapters_;
  adapters_known_ = true;
}

// The labels say what no metric of its own says.
void EnginePage::finish_cache_info() {
  Search& s = search(Item::cache_info);
  if (s.spec == nullptr) return;
  if (!s.matched) {
    number(Item::cache_info);  // says why
    return;
  }
  const auto take_label = [&](Load which, const std::string& text) {
    double& load = reading_.loads[static_cast<std::size_t>(which)];
    if (text.empty()) return;
    const auto value = whole_number<std::int64_t>(text);
    if (!value) {
      s.problem = Problem::not_a_number;
    } else if (std::isnan(load)) {
      load = static_cast<double>(*value);
    }
  };
  take_label(Load::block_size, block_size_);
  take_label(Load::num_blocks, num_blocks_);
}

std::string EnginePage::problem() const {
  std::string out;
  for (std::size_t i = 0; i < searches_.size(); ++i) {
    const Search& s = searches_[i];
    if (s.problem == Problem::none) continue;
    if (!out.empty()) out += "; ";
    if (i >= kItems) out += "custom metric \"" + mapping_->custom[i - kItems].key + "\": ";
    const std::string name = "\"" + s.spec->name + "\"";
    switch (s.problem) {
      case Problem::none:
        break;
      case Problem::not_found:
        out += "metric family " + name + " not found";
        break;
      case Problem::no_match:
        out += "no matching metric found for " + with_labels(*s.spec);
        break;
      case Problem::malformed:
        out += "malformed line of metric " + name;
        break;
      case Problem::wrong_type:
        out += "metric " + name + " is no gauge or counter";
        break;
      case Problem::not_a_number:
        out += "metric " + name + " has a value that is no number";
        break;
    }
  }
  return out;
}

}  // namespace pointsman
