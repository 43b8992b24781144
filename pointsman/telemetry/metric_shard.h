#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/telemetry/family.h"

namespace pointsman {

class Metrics;

// Where a series is. Immutable; lives as long as its Metrics.
struct SeriesRecord {
  const FamilySpec* family = nullptr;
  std::uint32_t cell = 0;
  std::array<std::string_view, kMaxLabels> labels{};  // into text
  std::string text;
};

template <typename Handle>
Handle handle(const FamilySpec& family, std::uint32_t cell) {
  if constexpr (requires(Handle made) { made.bounds; }) {
    return {cell, static_cast<std::uint32_t>(family.bounds.size()), family.bounds.data()};
  } else {
    return {cell};
  }
}

// The values that one thread has counted. Writing is a plain load and store: no other thread
// writes, and a scrape may read at any moment.
//
// Threading: everything but Metrics' own reading belongs to one thread. Nothing here locks, and
// nothing allocates but the first touch of a series.
class MetricShard {
 public:
  void add(Counter counter, std::uint64_t count = 1) {
    Cell* const cell = at(counter.cell);
    cell->store(cell->load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  void add(Gauge gauge, double change) {
    Cell* const cells = at(gauge.cell);
    add_double(cells[0], change);
    cells[1].store(1, std::memory_order_relaxed);
  }
  // REQUIRES: one shard only sets this series, since the shards are added up.
  void set(Gauge gauge, double value) {
    Cell* const cells = at(gauge.cell);
    cells[0].store(std::bit_cast<std::uint64_t>(value), std::memory_order_relaxed);
    cells[1].store(1, std::memory_order_relaxed);
  }
  // Takes back set(): the series is not exposed until it is set again.
  void clear(Gauge gauge) {
    Cell* const cells = at(gauge.cell);
    cells[0].store(0, std::memory_order_relaxed);
    cells[1].store(0, std::memory_order_relaxed);
  }

  // From now on the series is exposed, also before anything is observed. To Metrics it is touched
  // when its sum is not all zero bits, and adding to -0 is adding to 0.
  void show(const Histogram& histogram) {
    Cell* const cells = at(histogram.cell);
    if (cells[0].load(std::memory_order_relaxed) != 0) return;
    cells[0].store(std::bit_cast<std::uint64_t>(-0.0), std::memory_order_relaxed);
  }

  // NaN is ignored: it would poison the sum for ever.
  void observe(const Histogram& histogram, double value) {
    if (std::isnan(value)) return;
    std::uint32_t bucket = 0;
    while (bucket < histogram.bound_count && value > histogram.bounds[bucket]) ++bucket;
    count(histogram, bucket, value);
  }
  // Into a histogram of seconds. Compared in whole nanoseconds, so that 200 us is in the bucket up
  // to 0.0002 whatever the doubles nearest to them are, and the search need not wait for a
  // division.
  void observe(const Histogram& histogram, std::chrono::nanoseconds elapsed) {
    const auto ns = static_cast<double>(elapsed.count());
    std::uint32_t bucket = 0;
    while (bucket < histogram.bound_count && ns > histogram.bounds[bucket] * 1e9 + 0.5) ++bucket;
    count(histogram, bucket, ns / 1e9);
  }

  // The series with these label values. Client-chosen labels are bounded (LabelLimit), and so is
  // the number of series of a family: what is too many is counted with these labels "other", and
  // what is far too many with every label "other".
  template <typename Handle, std::size_t N, typename... Value>
    requires(sizeof...(Value) == N)
  Handle with(const Family<Handle, N>& family, const Value&... values) {
    const std::array<std::string_view, N> texts{std::string_view(values)...};
    return handle<Handle>(family, find(family, texts));
  }

 private:
  friend class Metrics;
  using Cell = std::atomic<std::uint64_t>;
  static constexpr std::uint32_t kChunkCells = 1024;
  static constexpr std::uint32_t kMaxChunks = 2048;
  struct alignas(64) Chunk {  // a cache line is never shared with another shard
    std::array<Cell, kChunkCells> cells{};
  };
  struct Entry {
    std::uint64_t hash = 0;
    const SeriesRecord* record = nullptr;
  };

  explicit MetricShard(Metrics& metrics);

  void count(const Histogram& histogram, std::uint32_t bucket, double value) {
    Cell* const cells = at(histogram.cell);
    add_double(cells[0], value);
    Cell& observed = cells[1 + bucket];
    observed.store(observed.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  static void add_double(Cell& cell, double change) {
    const double before = std::bit_cast<double>(cell.load(std::memory_order_relaxed));
    cell.store(std::bit_cast<std::uint64_t>(before + change), std::memory_order_relaxed);
  }

  // A series lies within one chunk.
  Cell* at(std::uint32_t cell) {
    Chunk* chunk = chunks_[cell / kChunkCells].load(std::memory_order_relaxed);
    if (chunk == nullptr) [[unlikely]]
      chunk = add_chunk(cell / kChunkCells);
    return &chunk->cells[cell % kChunkCells];
  }
  Chunk* add_chunk(std::uint32_t index);

  std::uint32_t find(const FamilySpec& family, std::span<const std::string_view> labels);
  const SeriesRecord& resolve(const FamilySpec& family, std::span<const std::string_view> labels);
  const SeriesRecord* known(std::uint64_t hash, const FamilySpec& family,
                            std::span<const std::string_view> labels) const;
  void remember(std::uint64_t hash, const SeriesRecord& record);
  std::uint64_t hash_of(const FamilySpec& family, std::span<const std::string_view> labels) const;

  Metrics& metrics_;
  const std::uint64_t seed_;
  std::vector<Entry> table_;  // open addressing, three quarters empty
  std::size_t entries_ = 0;
  std::vector<std::unique_ptr<Chunk>> owned_;
  std::array<std::atomic<Chunk*>, kMaxChunks> chunks_{};
};

}  // namespace pointsman
