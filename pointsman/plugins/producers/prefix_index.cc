#include "pointsman/plugins/producers/prefix_index.h"

#include <algorithm>
#include <bit>

namespace pointsman {
namespace {

constexpr std::uint64_t kNobody = ~std::uint64_t{0};
constexpr unsigned kStripeShift = 56;  // the top 8 bits choose one of 256 stripes
constexpr std::size_t kWordBits = 64;
// The list of an endpoint is locked for so many blocks at a time, about 20 us.
constexpr std::size_t kBlocksPerLock = 128;
constexpr std::size_t kBatch = 16;
constexpr std::size_t kMaxCapacity = std::size_t{1} << 28U;

// Whether the endpoint may take the slot from its owner: it came later. The reuses of a slot are
// counted in 16 bits, and the count wraps.
bool succeeds(EndpointKey endpoint, std::uint64_t owner) {
  if (owner == kNobody) return true;
  const auto distance = static_cast<std::uint16_t>((endpoint.value >> 16U) - (owner >> 16U));
  return distance < 0x8000;
}

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

}  // namespace

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

struct PrefixIndex::SlotPage {
  std::array<Slot, kPageSlots> slots;
};

PrefixIndex::PrefixIndex() : stripes_(std::make_unique<Stripe[]>(kStripes)) {}
PrefixIndex::~PrefixIndex() = default;

PrefixIndex::Stripe& PrefixIndex::stripe(std::uint64_t hash) const {
  return stripes_[hash >> kStripeShift];
}

PrefixIndex::Slot* PrefixIndex::find(std::uint16_t slot) const {
  SlotPage* const page = pages_[slot / kPageSlots].load(std::memory_order_acquire);
  return page == nullptr ? nullptr : &page->slots[slot % kPageSlots];
}

PrefixIndex::Slot& PrefixIndex::slot(std::uint16_t slot) {
  if (Slot* const found = find(slot)) return *found;
  const std::lock_guard lock(pages_mutex_);
  std::atomic<SlotPage*>& page = pages_[slot / kPageSlots];
  if (page.load(std::memory_order_relaxed) == nullptr) {
    owned_pages_.push_back(std::make_unique<SlotPage>());
    page.store(owned_pages_.back().get(), std::memory_order_release);
  }
  return page.load(std::memory_order_relaxed)->slots[slot % kPageSlots];
}

std::size_t PrefixIndex::size(EndpointKey endpoint) const {
  const Slot* const found = find(endpoint.slot());
  if (found == nullptr || found->key.load(std::memory_order_relaxed) != endpoint.value) return 0;
  return found->size.load(std::memory_order_relaxed);
}

// One match(). Sets of endpoints are bits by slot.
class PrefixIndex::Search {
 public:
  Search(const PrefixIndex& index, std::span<const std::uint64_t> chain,
         std::span<const EndpointKey> endpoints, std::span<std::int32_t> out, Arena& scratch)
      : index_(index), chain_(chain), out_(out) {
    std::size_t slots = 0;
    for (const EndpointKey key : endpoints) slots = std::max<std::size_t>(slots, key.slot() + 1U);
    words_ = (slots + kWordBits - 1) / kWordBits;
    position_ = scratch.array<std::uint32_t>(words_ * kWordBits);
    // One set per level of the search, and two for its beginning.
    sets_ = scratch.array<std::uint64_t>((std::bit_width(chain.size()) + 3U) * words_);
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      const std::uint16_t slot = endpoints[i].slot();
      const Slot* const found = index.find(slot);
      if (found == nullptr || found->key.load(std::memory_order_relaxed) != endpoints[i].value) {
        continue;
      }
      position_[slot] = static_cast<std::uint32_t>(i);
      set(0)[slot / kWordBits] |= std::uint64_t{1} << (slot % kWordBits);
    }
  }

  // Looks at the blocks 1, 2, 4, 8 ... until nobody holds one, and between two of them where
  // holders dropped out. Most prompts share little, so most searches end at once.
  void run() {
    std::size_t low = 0;
    std::size_t low_set = 0;
    while (low < chain_.size() && !empty(set(low_set))) {
      const std::size_t high = std::min(std::max<std::size_t>(1, 2 * low), chain_.size());
      const std::size_t high_set = 1 - low_set;
      look_up(high, set(low_set), set(high_set));
      between(low, set(low_set), high, set(high_set), 2);
      low = high;
      low_set = high_set;
    }
    give(low, set(low_set), {});
  }

 private:
  using Set = std::span<std::uint64_t>;

  Set set(std::size_t i) { return sets_.subspan(i * words_, words_); }
  static bool empty(Set set) {
    return std::ranges::all_of(set, [](std::uint64_t word) { return word == 0; });
  }

  // Those among `within` that hold the block of that number, counted from 1.
  void look_up(std::size_t block, Set within, Set holders) {
    std::ranges::fill(holders, 0);
    const std::uint64_t hash = chain_[block - 1];
    Stripe& stripe = index_.stripe(hash);
    {
      const std::lock_guard lock(stripe.mutex);
      stripe.table.for_each(hash, [holders](std::uint16_t slot) {
        if (slot / kWordBits < holders.size()) {
          holders[slot / kWordBits] |= std::uint64_t{1} << (slot % kWordBits);
        }
      });
    }
    for (std::size_t i = 0; i < words_; ++i) holders[i] &= within[i];
  }

  // Finds for all that hold block `low` but not block `high` where they drop out.
  void between(std::size_t low, Set at_low, std::size_t high, Set at_high, std::size_t level) {
    if (std::ranges::equal(at_low, at_high)) return;
    if (high - low == 1) return give(low, at_low, at_high);
    const std::size_t middle = low + (high - low) / 2;
    const Set at_middle = set(level);
    look_up(middle, at_low, at_middle);
    for (std::size_t i = 0; i < words_; ++i) at_middle[i] |= at_high[i];
    between(low, at_low, middle, at_middle, level + 1);
    between(middle, at_middle, high, at_high, level + 1);
  }

  // Those in `in` but not in `out_of` hold so many blocks.
  void give(std::size_t blocks, Set in, Set out_of) {
    for (std::size_t i = 0; i < words_; ++i) {
      std::uint64_t word = in[i] & ~(out_of.empty() ? 0 : out_of[i]);
      for (; word != 0; word &= word - 1) {
        const auto slot = i * kWordBits + static_cast<std::size_t>(std::countr_zero(word));
        out_[position_[slot]] += static_cast<std::int32_t>(blocks);
      }
    }
  }

  const PrefixIndex& index_;
  std::span<const std::uint64_t> chain_;
  std::span<std::int32_t> out_;
  std::size_t words_ = 0;
  std::span<std::uint32_t> position_;  // in `endpoints`, by slot
  std::span<std::uint64_t> sets_;
};

void PrefixIndex::match(std::span<const std::uint64_t> chain,
                        std::span<const EndpointKey> endpoints, std::span<std::int32_t> out,
                        Arena& scratch) const {
  if (chain.empty() || endpoints.empty()) return;
  Search(*this, chain, endpoints, out, scratch).run();
}

// One insert(): puts the chain to the front of the endpoint's list, head first.
class PrefixIndex::Insertion {
 public:
  Insertion(PrefixIndex& index, Slot& slot, EndpointKey endpoint,
            std::span<const std::uint64_t> chain, std::size_t capacity)
      : index_(index), slot_(slot), endpoint_(endpoint), chain_(chain), capacity_(capacity) {}

  // Goes on for some blocks. False when it is over. REQUIRES: the slot is locked.
  bool step() {
    if (done_ == chain_.size()) return false;
    // Meanwhile others may have moved or evicted what was put in place.
    at_ = done_ == 0 ? 0 : entry(chain_[done_ - 1]).value_or(0);
    if (done_ > 0 && at_ == 0) return false;
    const std::size_t end = std::min(done_ + kBlocksPerLock, chain_.size());
    while (done_ < end && held_) refresh(end);
    while (done_ < end) {
      const auto batch = chain_.subspan(done_, std::min(kBatch, end - done_));
      prefetch(batch);
      for (const std::uint64_t hash : batch) add(hash);
      done_ += batch.size();
    }
    return done_ < chain_.size();
  }

 private:
  std::optional<std::uint32_t> entry(std::uint64_t hash) {
    Stripe& stripe = index_.stripe(hash);
    const std::lock_guard lock(stripe.mutex);
    return stripe.table.entry(hash, endpoint_.slot());
  }

  // Moves the next stretch of held blocks into place. Blocks that came together stand together, so
  // that mostly one look-up finds the whole stretch.
  void refresh(std::size_t end) {
    RecencyList& list = slot_.blocks;
    const auto first = entry(chain_[done_]);
    // A hash that stands twice in one chain is a collision; what is in place stays there.
    held_ = first.has_value() && *first != at_;
    if (!held_) return;
    std::uint32_t last = *first;
    for (++done_; done_ < end; ++done_) {
      const std::uint32_t next = list.next(last);
      if (next == 0 || next == at_ || list.hash(next) != chain_[done_]) break;
      last = next;
    }
    list.move(*first, last, at_);
    at_ = last;
  }

  // Has the processor fetch what adding the batch will read: the places of the new blocks and of
  // those that leave for them. All misses at once instead of one after the other.
  void prefetch(std::span<const std::uint64_t> batch) {
    const auto fetch = [this](std::uint64_t hash) { index_.stripe(hash).table.prefetch(hash); };
    for (const std::uint64_t hash : batch) fetch(hash);
    const RecencyList& list = slot_.blocks;
    if (list.size() + batch.size() <= capacity_) return;
    std::uint32_t leaving = list.last();
    for (std::size_t i = 0; i < batch.size() && leaving != 0; ++i, leaving = list.prev(leaving)) {
      fetch(list.hash(leaving));
    }
  }

  void add(std::uint64_t hash) {
    RecencyList& list = slot_.blocks;
    while (list.size() >= capacity_) {
      // Others have filled the list between two steps: there is no room behind the block before.
      if (list.last() == at_) return;
      index_.evict(slot_, endpoint_.slot());
    }
    const std::uint32_t entry = list.add(hash, at_);
    bool added = false;
    {
      Stripe& stripe = index_.stripe(hash);
      const std::lock_guard lock(stripe.mutex);
      added = stripe.table.add(hash, {entry, endpoint_.slot()});
    }
    if (!added) return list.remove(entry);
    at_ = entry;
    index_.total_.fetch_add(1, std::memory_order_relaxed);
  }

  PrefixIndex& index_;
  Slot& slot_;
  EndpointKey endpoint_;
  std::span<const std::uint64_t> chain_;
  std::size_t capacity_;
  std::size_t done_ = 0;
  std::uint32_t at_ = 0;  // the entry of the block before
  bool held_ = true;      // so far every block was held
};

void PrefixIndex::insert(EndpointKey endpoint, std::span<const std::uint64_t> chain,
                         std::size_t capacity) {
  capacity = std::min(capacity, kMaxCapacity);
  chain = chain.first(std::min(chain.size(), capacity));
  if (chain.empty()) return;
  Slot& mine = slot(endpoint.slot());
  Insertion insertion(*this, mine, endpoint, chain, capacity);
  bool more = true;
  for (bool first = true; more; first = false) {
    const std::lock_guard lock(mine.mutex);
    const std::uint64_t owner = mine.key.load(std::memory_order_relaxed);
    if (owner != endpoint.value) {
      // A slot changes hands when its endpoint has left; who left does not come back.
      if (!first || !succeeds(endpoint, owner)) return;
      clear(mine, endpoint.slot());
      mine.key.store(endpoint.value, std::memory_order_relaxed);
    }
    while (mine.blocks.size() > capacity) evict(mine, endpoint.slot());
    more = insertion.step();
    mine.size.store(mine.blocks.size(), std::memory_order_relaxed);
  }
}

// Forgets the block used longest ago. REQUIRES: the slot is locked and not empty.
void PrefixIndex::evict(Slot& slot, std::uint16_t number) {
  const std::uint32_t last = slot.blocks.last();
  const std::uint64_t hash = slot.blocks.hash(last);
  slot.blocks.remove(last);
  total_.fetch_sub(1, std::memory_order_relaxed);
  Stripe& home = stripe(hash);
  const std::lock_guard lock(home.mutex);
  home.table.remove(hash, number);
}

void PrefixIndex::clear(Slot& slot, std::uint16_t number) {
  while (slot.blocks.size() > 0) evict(slot, number);
  slot.blocks.clear();
  slot.size.store(0, std::memory_order_relaxed);
}

void PrefixIndex::retain(const std::function<bool(EndpointKey)>& keep) {
  for (std::size_t i = 0; i < kPages * kPageSlots; ++i) {
    const auto number = static_cast<std::uint16_t>(i);
    Slot* const found = find(number);
    if (found == nullptr) {
      i += kPageSlots - 1;
      continue;
    }
    const std::uint64_t owner = found->key.load(std::memory_order_relaxed);
    if (owner == kNobody || keep({static_cast<std::uint32_t>(owner)})) continue;
    const std::lock_guard lock(found->mutex);
    if (found->key.load(std::memory_order_relaxed) != owner) continue;
    clear(*found, number);
    found->key.store(kNobody, std::memory_order_relaxed);
  }
}

}  // namespace pointsman
