#include "pointsman/telemetry/metrics.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/base/utf8.h"
#include "pointsman/telemetry/exposition.h"

namespace pointsman {

struct Metrics::FamilySeries {
  std::unordered_map<std::string, const SeriesRecord*> by_labels;
  std::deque<SeriesRecord> records;
  SeriesRecord overflow;
  std::atomic<bool> full = false;     // new series are folded
  std::atomic<bool> spilled = false;  // new series are the overflow
};

namespace {

constexpr std::uint32_t cell_count(const FamilySpec& family) {
  switch (family.kind) {
    case MetricKind::counter:
      return 1;
    case MetricKind::gauge:
      return 2;  // the value, and whether there is one
    case MetricKind::histogram:
      break;
  }
  return 2 + static_cast<std::uint32_t>(family.bounds.size());  // the sum, the buckets, above
}

bool names_model(std::string_view label) {
  return label == "model_name" || label == "target_model_name";
}
bool names_flow(std::string_view label) {
  return label == "fairness_id";
}

// A page of metrics is UTF-8, and what clients send is not always. Values that are alike afterwards
// are added up by exposition().
void make_utf8(std::string& text) {
  if (utf8_run(text) != text.size()) text = repaired_utf8(text);
}

// Gives `record` copies of `labels`.
void fill_in(SeriesRecord& record, std::span<const std::string_view> labels) {
  for (const std::string_view label : labels) record.text += label;
  std::size_t at = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    record.labels[i] = std::string_view(record.text).substr(at, labels[i].size());
    at += labels[i].size();
  }
}

std::string key(std::span<const std::string_view> labels) {
  std::string joined;
  for (const std::string_view label : labels) {
    joined.append(std::to_string(label.size())).append(":").append(label);
  }
  return joined;
}

}  // namespace

Metrics::Metrics(std::span<const FamilySpec* const> families, std::size_t label_limit,
                 std::size_t series_limit)
    : families_(families.begin(), families.end()),
      series_limit_(series_limit),
      models_(label_limit),
      fairness_(label_limit) {
  std::array<std::string_view, kMaxLabels> others{};
  others.fill(LabelLimit::kOther);
  for (const FamilySpec* family : families_) {
    auto& made = series_[family];
    made = std::make_unique<FamilySeries>();
    // Its cells are set aside now, so that there is always a place to count what is too many.
    made->overflow.family = family;
    made->overflow.cell = reserve(cell_count(*family)).value();
    fill_in(made->overflow, std::span(others).first(family->label_count));
    if (family->from_start) record(*family, {});
  }
}

Metrics::~Metrics() = default;

MetricShard& Metrics::add_shard() {
  const std::lock_guard lock(mutex_);
  return *shards_.emplace_back(new MetricShard(*this));
}

void Metrics::add_source(Source source) {
  const std::lock_guard lock(sources_mutex_);
  sources_.push_back(std::move(source));
}

std::string_view Metrics::bound(const FamilySpec& family, std::size_t label,
                                std::string_view value) {
  const std::string_view name = family.labels[label];
  if (names_model(name)) return models_.bound(value);
  return names_flow(name) ? fairness_.bound(value) : value;
}

bool Metrics::fold(const FamilySpec& family, std::span<std::string_view> labels) {
  bool any = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!names_model(family.labels[i]) && !names_flow(family.labels[i])) continue;
    labels[i] = LabelLimit::kOther;
    any = true;
  }
  return any;
}

Metrics::FamilySeries& Metrics::series_of(const FamilySpec& family) const {
  const auto at = series_.find(&family);
  if (at == series_.end()) bug("a metric family that is not in the table of this Metrics");
  return *at->second;
}

bool Metrics::full(const FamilySpec& family) const {
  return series_of(family).full.load(std::memory_order_acquire);
}

const SeriesRecord* Metrics::overflow(const FamilySpec& family) const {
  const FamilySeries& series = series_of(family);
  return series.spilled.load(std::memory_order_acquire) ? &series.overflow : nullptr;
}

const SeriesRecord& Metrics::record(const FamilySpec& family, std::span<std::string_view> labels) {
  FamilySeries& series = series_of(family);
  const std::lock_guard lock(mutex_);
  if (const auto* record = made(series, family, labels, series_limit_)) return *record;
  series.full.store(true, std::memory_order_release);
  if (fold(family, labels)) {
    const std::size_t reserve = series_limit_ / 4 + 1;
    if (const auto* record = made(series, family, labels, series_limit_ + reserve)) return *record;
  }
  series.spilled.store(true, std::memory_order_release);
  return series.overflow;
}

// The series with these labels, or a new one as long as there are fewer than `limit`.
const SeriesRecord* Metrics::made(FamilySeries& series, const FamilySpec& family,
                                  std::span<const std::string_view> labels, std::size_t limit) {
  const std::string id = key(labels);
  if (const auto at = series.by_labels.find(id); at != series.by_labels.end()) return at->second;
  if (series.records.size() >= limit) return nullptr;
  const auto cell = reserve(cell_count(family));
  if (!cell) return nullptr;
  SeriesRecord& record = series.records.emplace_back();
  record.family = &family;
  record.cell = *cell;
  fill_in(record, labels);
  series.by_labels.emplace(id, &record);
  return &record;
}

// A series never straddles two chunks, so that one look-up finds all of its cells.
std::optional<std::uint32_t> Metrics::reserve(std::uint32_t cells) {
  constexpr std::uint32_t kChunk = MetricShard::kChunkCells;
  std::uint32_t first = used_cells_;
  if (first % kChunk + cells > kChunk) first = (first / kChunk + 1) * kChunk;
  if (first + cells > kChunk * MetricShard::kMaxChunks) return std::nullopt;
  used_cells_ = first + cells;
  return first;
}

// The sum over the shards. Nothing for a series that no thread has touched.
std::optional<Sample> Metrics::read(const SeriesRecord& record,
                                    std::span<const MetricShard* const> shards) {
  const FamilySpec& family = *record.family;
  Sample sample{.family = &family, .buckets = {}};
  if (family.kind == MetricKind::histogram) sample.buckets.resize(family.bounds.size() + 1);
  bool touched = family.from_start;
  for (const MetricShard* shard : shards) {
    const auto* const chunk =
        shard->chunks_[record.cell / MetricShard::kChunkCells].load(std::memory_order_acquire);
    if (chunk == nullptr) continue;
    const auto cell = [&](std::size_t i) {
      return chunk->cells[record.cell % MetricShard::kChunkCells + i].load(
          std::memory_order_relaxed);
    };
    if (family.kind == MetricKind::counter) {
      sample.value += static_cast<double>(cell(0));
      touched = touched || cell(0) != 0;
      continue;
    }
    sample.value += std::bit_cast<double>(cell(0));
    if (family.kind == MetricKind::gauge) touched = touched || cell(1) != 0;
    if (family.kind == MetricKind::histogram) touched = touched || cell(0) != 0;  // see show()
    for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
      sample.buckets[i] += cell(1 + i);
      touched = touched || cell(1 + i) != 0;
    }
  }
  if (!touched) return std::nullopt;
  for (std::size_t i = 0; i < family.label_count; ++i) sample.labels.emplace_back(record.labels[i]);
  return sample;
}

std::string Metrics::expose(bool deprecated) const {
  // Records and shards stay where they are, so that only finding them needs the lock, which a
  // request with a new series may be waiting for.
  std::vector<const SeriesRecord*> records;
  std::vector<const MetricShard*> shards;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [family, series] : series_) {
      for (const SeriesRecord& record : series->records) records.push_back(&record);
      if (series->spilled) records.push_back(&series->overflow);
    }
    for (const auto& shard : shards_) shards.push_back(shard.get());
  }
  std::vector<Sample> samples;
  for (const SeriesRecord* record : records) {
    if (auto sample = read(*record, shards)) samples.push_back(*std::move(sample));
  }
  {
    const std::lock_guard lock(sources_mutex_);
    for (const Source& source : sources_) source(samples);
  }
  for (Sample& sample : samples) std::ranges::for_each(sample.labels, make_utf8);
  return exposition(families_, samples, deprecated);
}

}  // namespace pointsman
