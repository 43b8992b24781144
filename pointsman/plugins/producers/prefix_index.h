#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "pointsman/base/arena.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/model/slot_pages.h"
#include "pointsman/plugins/producers/holder_table.h"

namespace pointsman {

// Which endpoint is believed to hold which prefix blocks: one index for all workers. What one
// worker inserted, every worker finds from then on.
//
// A chain is the hashes of one prompt's blocks, each made from its block and the hash before it. An
// endpoint that holds a block therefore holds all blocks before it, as long as tails leave before
// heads: insert() makes a chain's head the most recently used and its tail the least.
// Match rests on that: it does not walk the chain but searches for the places where holders drop
// out, some ten look-ups for a prompt of any length. A change made meanwhile may make it
// miss blocks or count ones just gone, never more.
//
// Threading: any thread. Hashes are striped over many short locks; an endpoint's list has a lock of
// its own that only insert() and remove() take. docs/adr/0012 has the measurement.
class PrefixIndex {
 public:
  PrefixIndex();
  PrefixIndex(const PrefixIndex&) = delete;
  PrefixIndex& operator=(const PrefixIndex&) = delete;
  ~PrefixIndex();

  // Looks up the chains of one request.
  class Match;

  // The endpoint holds the chain from now on. It keeps `capacity` blocks in all: those used longest
  // ago go, and of a longer chain only the first `capacity` blocks come in.
  void insert(EndpointKey endpoint, std::span<const std::uint64_t> chain, std::size_t capacity);

  // Forgets the endpoints for which keep() is false.
  void retain(const std::function<bool(EndpointKey)>& keep);

  // Blocks held, summed over the endpoints.
  std::size_t size() const { return total_.load(std::memory_order_relaxed); }
  // Blocks held by one.
  std::size_t size(EndpointKey endpoint) const;

 private:
  struct Stripe;
  struct Slot;
  class Insertion;

  static constexpr std::size_t kStripes = 256;

  Stripe& stripe(std::uint64_t hash) const;
  void evict(Slot& slot, std::uint16_t number);
  void clear(Slot& slot, std::uint16_t number);

  std::unique_ptr<Stripe[]> stripes_;
  SlotPages<Slot> slots_;
  std::atomic<std::size_t> total_{0};
};

// Finds out how many leading blocks of each chain of a request the endpoints in question hold.
// Sets of endpoints are bits by slot.
class PrefixIndex::Match {
 public:
  // Allocates only here, and only from `scratch`; that, the index and `out` outlive this.
  // REQUIRES: endpoints are distinct; out.size() == endpoints.size().
  Match(const PrefixIndex& index, std::span<const EndpointKey> endpoints,
        std::span<std::int32_t> out, Arena& scratch);

  // Adds to out[i] how many leading blocks of the chain endpoints[i] holds.
  void add(std::span<const std::uint64_t> chain);

 private:
  using Set = std::span<std::uint64_t>;

  Set set(std::size_t i) { return sets_.subspan(i * words_, words_); }
  void look_up(std::uint64_t hash, Set within, Set holders);
  void between(std::size_t low, Set at_low, std::size_t high, Set at_high, std::size_t level);
  void give(std::size_t blocks, Set in, Set out_of);

  const PrefixIndex& index_;
  std::span<const std::uint64_t> chain_;
  std::span<std::int32_t> out_;
  std::size_t words_ = 0;              // of a set
  std::span<std::uint32_t> position_;  // in `endpoints`, by slot
  std::span<std::uint64_t> sets_;      // all endpoints, and one per level of the search
};

}  // namespace pointsman
