#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pointsman/telemetry/families.h"
#include "pointsman/telemetry/family.h"
#include "pointsman/telemetry/label_limit.h"
#include "pointsman/telemetry/metric_shard.h"
#include "pointsman/telemetry/sample.h"

namespace pointsman {

// The values of all metric families. A series is a fixed number of 8-byte cells at the same place
// in every shard; a thread writes its own shard only, expose() adds the shards up.
//
//   const Histogram duration = metrics.series(metric::kPluginDuration, "Scorer", type, name);
//   shard.observe(duration, elapsed);
//   shard.add(shard.with(metric::kSchedulerAttempts, "success", model, pod, ns, port));
//
// Threading: any thread, except that a MetricShard belongs to one.
class Metrics {
 public:
  using Source = std::function<void(std::vector<Sample>&)>;

  explicit Metrics(std::span<const FamilySpec* const> families = metric::kAll,
                   std::size_t label_limit = 1000, std::size_t series_limit = 4000);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  // The shard of one more thread. It lives as long as this object, also after the thread.
  MetricShard& add_shard();

  // The series with these label values, to be kept by the caller and used with any shard.
  // Locks; the slow way in. Values are not bounded: they come from the configuration.
  template <typename Handle, std::size_t N, typename... Value>
    requires(sizeof...(Value) == N)
  Handle series(const Family<Handle, N>& family, const Value&... values) {
    std::array<std::string_view, N> texts{std::string_view(values)...};
    return handle<Handle>(family, record(family, texts).cell);
  }

  // Called at every expose(), under a lock: for values that are read rather than counted. What the
  // source refers to must outlive the last expose().
  void add_source(Source source);

  // The limits of labels that a client chooses: model_name and target_model_name, and fairness_id.
  LabelLimit& models() { return models_; }
  LabelLimit& fairness() { return fairness_; }

  // All series in the Prometheus text format 0.0.4, sorted. `deprecated` includes the twins.
  std::string expose(bool deprecated = true) const;

 private:
  friend class MetricShard;
  struct FamilySeries;

  // What a client chooses of these labels becomes "other"; false: it chooses none of them.
  static bool fold(const FamilySpec& family, std::span<std::string_view> labels);

  // The series, made if it is new. When the family is full, the folded one; when there is no room
  // for that either, the family's overflow series.
  const SeriesRecord& record(const FamilySpec& family, std::span<std::string_view> labels);
  const SeriesRecord* made(FamilySeries& series, const FamilySpec& family,
                           std::span<const std::string_view> labels, std::size_t limit);
  // Whether a new series of the family must be a folded one.
  bool full(const FamilySpec& family) const;
  // Null unless there is no room for folded ones: then a look-up that fails must not lock.
  const SeriesRecord* overflow(const FamilySpec& family) const;
  std::string_view bound(const FamilySpec& family, std::size_t label, std::string_view value);
  FamilySeries& series_of(const FamilySpec& family) const;
  std::optional<std::uint32_t> reserve(std::uint32_t cells);
  static std::optional<Sample> read(const SeriesRecord& record,
                                    std::span<const MetricShard* const> shards);

  const std::vector<const FamilySpec*> families_;
  const std::size_t series_limit_;
  LabelLimit models_;
  LabelLimit fairness_;
  std::unordered_map<const FamilySpec*, std::unique_ptr<FamilySeries>> series_;

  mutable std::mutex mutex_;  // guards the members below and the inside of FamilySeries
  std::uint32_t used_cells_ = 0;
  std::vector<std::unique_ptr<MetricShard>> shards_;

  mutable std::mutex sources_mutex_;
  std::vector<Source> sources_;
};

}  // namespace pointsman
