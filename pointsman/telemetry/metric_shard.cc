#include "pointsman/telemetry/metric_shard.h"

#include "pointsman/base/client_text.h"
#include "pointsman/base/random.h"
#include "pointsman/telemetry/label_hash.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {
namespace {

constexpr std::size_t kFirstTable = 1024;

bool same(const SeriesRecord& record, const FamilySpec& family,
          std::span<const std::string_view> labels) {
  if (record.family != &family) return false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!label::equal(record.labels[i], labels[i])) return false;
  }
  return true;
}

}  // namespace

MetricShard::MetricShard(Metrics& metrics)
    : metrics_(metrics), seed_(entropy()), table_(kFirstTable) {}

MetricShard::Chunk* MetricShard::add_chunk(std::uint32_t index) {
  Chunk* const chunk = owned_.emplace_back(std::make_unique<Chunk>()).get();
  chunks_[index].store(chunk, std::memory_order_release);
  return chunk;
}

std::uint64_t MetricShard::hash_of(const FamilySpec& family,
                                   std::span<const std::string_view> labels) const {
  // Every position has its own seed, so that the labels are hashed side by side.
  constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;
  std::uint64_t seed = seed_ ^ std::bit_cast<std::uintptr_t>(&family);
  std::uint64_t hash = seed;
  // Texts that differ only behind their beginning share a hash: no client makes us read all of one.
  for (const std::string_view text : labels) {
    hash ^= label::hash(seed += kStep, text.substr(0, 2 * kMaxClientText));
  }
  return hash;
}

const SeriesRecord* MetricShard::known(std::uint64_t hash, const FamilySpec& family,
                                       std::span<const std::string_view> labels) const {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = hash;; ++slot) {
    const Entry& entry = table_[slot & mask];
    if (entry.record == nullptr) return nullptr;
    if (entry.hash == hash && same(*entry.record, family, labels)) return entry.record;
  }
}

std::uint32_t MetricShard::find(const FamilySpec& family,
                                std::span<const std::string_view> labels) {
  const SeriesRecord* const record = known(hash_of(family, labels), family, labels);
  return record != nullptr ? record->cell : resolve(family, labels).cell;
}

// The values as given are unknown to this shard: bound them, look again, and only then ask Metrics.
const SeriesRecord& MetricShard::resolve(const FamilySpec& family,
                                         std::span<const std::string_view> labels) {
  std::array<std::string_view, kMaxLabels> texts{};
  for (std::size_t i = 0; i < labels.size(); ++i) texts[i] = metrics_.bound(family, i, labels[i]);
  const std::span bounded = std::span(texts).first(labels.size());

  if (const auto* record = known(hash_of(family, bounded), family, bounded)) return *record;
  if (metrics_.full(family) && Metrics::fold(family, bounded)) {
    if (const auto* record = known(hash_of(family, bounded), family, bounded)) return *record;
  }
  if (const SeriesRecord* overflow = metrics_.overflow(family)) return *overflow;
  const SeriesRecord& record = metrics_.record(family, bounded);
  if (&record != metrics_.overflow(family)) {
    remember(hash_of(family, std::span(record.labels).first(labels.size())), record);
  }
  return record;
}

void MetricShard::remember(std::uint64_t hash, const SeriesRecord& record) {
  const auto place = [this](const Entry& entry) {
    std::size_t slot = entry.hash;
    while (table_[slot & (table_.size() - 1)].record != nullptr) ++slot;
    table_[slot & (table_.size() - 1)] = entry;
  };
  if (4 * ++entries_ > table_.size()) {
    std::vector<Entry> old(2 * table_.size());
    old.swap(table_);
    for (const Entry& entry : old) {
      if (entry.record != nullptr) place(entry);
    }
  }
  place({hash, &record});
}

}  // namespace pointsman
