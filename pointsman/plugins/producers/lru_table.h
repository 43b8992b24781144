#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace pointsman {

// What an LruTable's entries are found by. Keys from outside are hashed into all 128 bits with a
// secret seed, so that nobody can make two of them meet.
struct LruKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const LruKey&) const = default;
};

// A bounded table in order of use: a new key takes the place of the one that was used longest ago.
// Its memory grows to `capacity` entries and is then used again.
//
// Threading: the owner locks.
template <typename Value>
class LruTable {
 public:
  // REQUIRES: 0 < capacity < 2^31.
  explicit LruTable(std::size_t capacity) : capacity_(capacity), heads_(16, kNone) {}

  std::size_t size() const { return used_; }
  std::size_t capacity() const { return capacity_; }

  // The value, or nullptr. Looking does not count as use.
  const Value* find(const LruKey& key) const {
    const std::uint32_t at = place(key);
    return at == kNone ? nullptr : &entries_[at].value;
  }
  Value* find(const LruKey& key) {
    const std::uint32_t at = place(key);
    return at == kNone ? nullptr : &entries_[at].value;
  }

  // The value, as the one most recently used; a fresh one when the key is new.
  Value& touch(const LruKey& key) {
    std::uint32_t at = place(key);
    if (at != kNone) {
      unlink(at);
    } else {
      at = take_entry();
      entries_[at].key = key;
      entries_[at].value = Value{};
      std::uint32_t& head = bucket(key);
      entries_[at].next = head;
      head = at;
      ++used_;
    }
    link_newest(at);
    return entries_[at].value;
  }

  bool erase(const LruKey& key) {
    const std::uint32_t at = place(key);
    if (at == kNone) return false;
    remove(at);
    return true;
  }

  // Removes entries from the oldest on as long as expired(value) says so.
  template <typename Expired>
  void expire(Expired expired) {
    while (oldest_ != kNone && expired(entries_[oldest_].value)) remove(oldest_);
  }

  // Calls visit(key, value) for every entry, oldest first.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::uint32_t at = oldest_; at != kNone; at = entries_[at].newer) {
      visit(entries_[at].key, entries_[at].value);
    }
  }

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  struct Entry {
    LruKey key;
    Value value{};
    std::uint32_t next = kNone;   // of the same bucket, or the next free entry
    std::uint32_t newer = kNone;  // in order of use
    std::uint32_t older = kNone;
  };

  // Keys may be small numbers, so their bits are mixed.
  static std::size_t mix(const LruKey& key) {
    const std::uint64_t product = (key.low ^ (key.high >> 32U)) * 0x9E3779B97F4A7C15U;
    return product >> 20U;
  }
  std::uint32_t& bucket(const LruKey& key) { return heads_[mix(key) & (heads_.size() - 1)]; }

  std::uint32_t place(const LruKey& key) const {
    std::uint32_t at = heads_[mix(key) & (heads_.size() - 1)];
    while (at != kNone && entries_[at].key != key) at = entries_[at].next;
    return at;
  }

  std::uint32_t take_entry() {
    if (used_ == capacity_) remove(oldest_);
    if (free_ != kNone) {
      const std::uint32_t at = free_;
      free_ = entries_[at].next;
      return at;
    }
    if (entries_.size() == heads_.size()) grow();
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }

  void grow() {
    heads_.assign(heads_.size() * 2, kNone);
    for (std::uint32_t at = oldest_; at != kNone; at = entries_[at].newer) {
      std::uint32_t& head = bucket(entries_[at].key);
      entries_[at].next = head;
      head = at;
    }
  }

  void remove(std::uint32_t at) {
    std::uint32_t* link = &bucket(entries_[at].key);
    while (*link != at) link = &entries_[*link].next;
    *link = entries_[at].next;
    unlink(at);
    entries_[at].next = free_;
    free_ = at;
    --used_;
  }

  void unlink(std::uint32_t at) {
    const Entry& e = entries_[at];
    (e.older == kNone ? oldest_ : entries_[e.older].newer) = e.newer;
    (e.newer == kNone ? newest_ : entries_[e.newer].older) = e.older;
  }

  void link_newest(std::uint32_t at) {
    entries_[at].older = newest_;
    entries_[at].newer = kNone;
    (newest_ == kNone ? oldest_ : entries_[newest_].newer) = at;
    newest_ = at;
  }

  std::size_t capacity_;
  std::size_t used_ = 0;
  std::vector<std::uint32_t> heads_;  // a power of two
  std::vector<Entry> entries_;
  std::uint32_t free_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
};

}  // namespace pointsman
