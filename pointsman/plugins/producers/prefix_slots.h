#pragma once

// The insides of PrefixIndex, for its own .cc files.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "pointsman/plugins/producers/holder_table.h"
#include "pointsman/plugins/producers/prefix_index.h"

namespace pointsman {

// The key of a slot that belongs to no endpoint; longer than any key.
inline constexpr std::uint64_t kNobody = ~std::uint64_t{0};

// An endpoint's blocks from the most to the least recently used: a ring through entry 0.
class RecencyList {
 public:
  std::size_t size() const { return size_; }
  std::uint64_t hash(std::uint32_t entry) const { return entries_[entry].hash; }
  std::uint32_t next(std::uint32_t entry) const { return entries_[entry].next; }
  std::uint32_t prev(std::uint32_t entry) const { return entries_[entry].prev; }
  std::uint32_t last() const { return entries_[0].prev; }

  // A new entry behind `at`.
  std::uint32_t add(std::uint64_t hash, std::uint32_t at) {
    std::uint32_t entry = free_;
    if (entry != 0) {
      free_ = entries_[entry].next;
    } else {
      entry = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    }
    entries_[entry].hash = hash;
    link(entry, entry, at);
    ++size_;
    return entry;
  }

  void remove(std::uint32_t entry) {
    unlink(entry, entry);
    entries_[entry].next = free_;
    free_ = entry;
    --size_;
  }

  // Moves the stretch from `first` to `last` behind `at`. REQUIRES: `at` is not in it.
  void move(std::uint32_t first, std::uint32_t last, std::uint32_t at) {
    if (entries_[at].next == first) return;
    unlink(first, last);
    link(first, last, at);
  }

  void clear() { *this = RecencyList(); }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t prev = 0;
    std::uint32_t next = 0;
  };

  void unlink(std::uint32_t first, std::uint32_t last) {
    const std::uint32_t before = entries_[first].prev;
    const std::uint32_t behind = entries_[last].next;
    entries_[before].next = behind;
    entries_[behind].prev = before;
  }

  void link(std::uint32_t first, std::uint32_t last, std::uint32_t at) {
    const std::uint32_t behind = entries_[at].next;
    entries_[at].next = first;
    entries_[first].prev = at;
    entries_[last].next = behind;
    entries_[behind].prev = last;
  }

  std::vector<Entry> entries_ = std::vector<Entry>(1);
  std::uint32_t free_ = 0;  // first of the free entries, linked by `next`
  std::size_t size_ = 0;
};

// A cache line's worth of lock, so that neighbours do not disturb each other.
struct alignas(64) PrefixIndex::Stripe {
  std::mutex mutex;
  HolderTable table;
};

struct PrefixIndex::Slot {
  std::atomic<std::uint64_t> key{kNobody};  // of the endpoint that has the slot now
  std::atomic<std::size_t> size{0};
  std::mutex mutex;
  RecencyList blocks;  // under the mutex
};

}  // namespace pointsman
