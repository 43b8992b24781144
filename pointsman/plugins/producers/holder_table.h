#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace pointsman {

// Who holds a block: an endpoint's slot, and where the block stands in that endpoint's list.
struct Holder {
  std::uint32_t entry = 0;
  std::uint16_t slot = 0;
};

// A hash table from block hashes to their holders: the part of the prefix index that falls to one
// lock. Most blocks have one holder, which stands in the table itself (16 bytes a block); more
// stand in pooled arrays. Open addressing, linear probing, removal by shifting back. The hashes are
// XXH64 values, so their low bits are used as they are.
//
// Threading: the owner locks.
class HolderTable {
 public:
  // Calls visit(slot) for every holder of the block.
  template <typename Visit>
  void for_each(std::uint64_t hash, Visit visit) const {
    const Node* const node = find(hash);
    if (node == nullptr) return;
    if (node->count == 1) return visit(node->slot);
    for (const Holder& holder : array(*node)) visit(holder.slot);
  }

  // The entry of one holder.
  std::optional<std::uint32_t> entry(std::uint64_t hash, std::uint16_t slot) const;

  // Adds a holder; false when the slot is one already.
  bool add(std::uint64_t hash, Holder holder);

  // Removes a holder if it is one.
  void remove(std::uint64_t hash, std::uint16_t slot);

  // Asks the processor to fetch what a look-up of the hash reads first. Needs no lock.
  void prefetch(std::uint64_t hash) const {
    const Node* const first = first_.load(std::memory_order_relaxed);
    __builtin_prefetch(first + (hash & mask_.load(std::memory_order_relaxed)), 1);
  }

  // Blocks with a holder.
  std::size_t size() const { return used_; }

 private:
  struct Node {
    std::uint64_t hash = 0;
    std::uint32_t entry = 0;  // of the only holder; for more: the number of their array
    std::uint16_t slot = 0;   // of the only holder; for more: the order of their array
    std::uint16_t count = 0;  // of holders; 0: the node is free
  };

  // Arrays of 2^order holders, and the numbers of those not in use.
  struct Pool {
    std::vector<Holder> holders;
    std::vector<std::uint32_t> free;
  };

  const Node* find(std::uint64_t hash) const;
  Node* find(std::uint64_t hash) { return const_cast<Node*>(std::as_const(*this).find(hash)); }
  std::size_t mask() const { return mask_.load(std::memory_order_relaxed); }
  std::size_t home(std::uint64_t hash) const { return hash & mask(); }
  void insert(const Node& node);
  void erase(std::size_t at);
  void grow();

  std::span<const Holder> array(const Node& node) const;
  std::span<Holder> array(const Node& node, std::size_t count);
  std::uint32_t allocate(unsigned order);

  // What every look-up reads comes first and, with the owner's mutex, fills a cache line.
  // Atomic only for prefetch(), which may see old values: it does not look at what it fetches.
  std::atomic<const Node*> first_{nullptr};
  std::atomic<std::uint32_t> mask_{0};  // nodes - 1
  std::uint32_t used_ = 0;
  std::vector<Node> nodes_;                      // a power of two
  std::unique_ptr<std::array<Pool, 17>> pools_;  // by order: up to 2^16 holders, one per slot
};

}  // namespace pointsman
