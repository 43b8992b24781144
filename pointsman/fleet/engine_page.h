#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/fleet/engine_mapping.h"
#include "pointsman/fleet/metrics_text.h"
#include "pointsman/stage/datalayer.h"

namespace pointsman {

// Reads the core signals off the metrics pages of one model server, by the mapping of its engine:
// of every metric the newest matching sample, of the adapters the one with the largest value.
// Rules: spec/04 sections 5.4 and 5.5.
class EnginePage final : public PageReader {
 public:
  // Adapter names that are kept of one page.
  static constexpr std::size_t kMaxAdapters = 4096;

  explicit EnginePage(std::shared_ptr<const EngineMapping> mapping);
  EnginePage(const EnginePage&) = delete;
  EnginePage& operator=(const EnginePage&) = delete;

  void begin() override;
  bool feed(std::string_view piece) override;
  const PageReading& finish() override;
  const Adapters& adapters() const override { return adapters_; }
  std::string problem() const override;

 private:
  enum class Item : std::uint8_t {
    waiting,
    running,
    kv_usage,
    adapters,
    cache_info,
    block_size,
    num_blocks,
  };
  static constexpr std::size_t kItems = 7;
  enum class Problem : std::uint8_t {
    none,
    not_found,     // no sample of the metric
    no_match,      // none with the labels
    malformed,     // its lines could not be read
    wrong_type,    // a histogram or summary
    not_a_number,  // NaN, infinite, or a label that is no number
  };

  // One thing to look for, and the best sample so far.
  struct Search {
    const MetricSpec* spec = nullptr;  // null: not looked for
    std::size_t metric = 0;
    bool seen = false;     // any sample of the metric
    bool matched = false;  // one with the labels
    MetricType type = MetricType::untyped;
    double value = 0;
    std::int64_t timestamp = 0;
    Problem problem = Problem::none;
  };
  struct AdapterLabels {
    std::string running;
    std::string waiting;
    std::string room;

    bool operator==(const AdapterLabels&) const = default;
  };

  Search& search(Item item) { return searches_[static_cast<std::size_t>(item)]; }
  static std::vector<std::string> names(const EngineMapping& mapping);
  void look(Item item, const std::optional<MetricSpec>& spec);
  void look(const EngineMapping::Custom& custom);
  void read_samples();
  void take(std::size_t item, Search& found, const MetricSample& sample);
  double number(Search& s);
  double number(Item item) { return number(search(item)); }
  void finish_custom();
  void finish_adapters();
  void finish_cache_info();

  std::shared_ptr<const EngineMapping> mapping_;
  WantedMetrics wanted_;
  MetricsText text_;
  // By Item, then one per custom metric.
  std::vector<Search> searches_;
  AdapterLabels found_adapters_;  // of the page being read
  AdapterLabels last_adapters_;   // of the reading before
  bool adapters_known_ = false;
  Adapters adapters_;
  std::string block_size_;  // labels of the page being read
  std::string num_blocks_;
  PageReading reading_;
};

}  // namespace pointsman
