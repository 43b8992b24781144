#include "pointsman/plugins/producers/prefix_index.h"

#include <algorithm>

#include "pointsman/plugins/producers/prefix_slots.h"

namespace pointsman {
namespace {

constexpr unsigned kStripeShift = 56;  // the top 8 bits choose one of 256 stripes
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

}  // namespace

PrefixIndex::PrefixIndex() : stripes_(std::make_unique<Stripe[]>(kStripes)) {}
PrefixIndex::~PrefixIndex() = default;

PrefixIndex::Stripe& PrefixIndex::stripe(std::uint64_t hash) const {
  return stripes_[hash >> kStripeShift];
}

std::size_t PrefixIndex::size(EndpointKey endpoint) const {
  const Slot* const found = slots_.find(endpoint.slot());
  if (found == nullptr || found->key.load(std::memory_order_relaxed) != endpoint.value) return 0;
  return found->size.load(std::memory_order_relaxed);
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
  Slot& mine = slots_.at(endpoint.slot());
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
  slots_.for_each([&](std::uint16_t number, Slot& slot) {
    const std::uint64_t owner = slot.key.load(std::memory_order_relaxed);
    if (owner == kNobody || keep({static_cast<std::uint32_t>(owner)})) return;
    const std::lock_guard lock(slot.mutex);
    if (slot.key.load(std::memory_order_relaxed) != owner) return;
    clear(slot, number);
    slot.key.store(kNobody, std::memory_order_relaxed);
  });
}

}  // namespace pointsman
