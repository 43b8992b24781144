#include <algorithm>
#include <bit>

#include "pointsman/plugins/producers/prefix_slots.h"

namespace pointsman {
namespace {

constexpr std::size_t kWordBits = 64;
// The set of all endpoints, two for the doubling steps, and one for each halving of a chain.
constexpr std::size_t kAll = 0;
constexpr std::size_t kFirstStep = 1;
constexpr std::size_t kFirstLevel = 3;
constexpr std::size_t kSets = kFirstLevel + 64;

bool is_nobody(std::span<const std::uint64_t> set) {
  return std::ranges::all_of(set, [](std::uint64_t word) { return word == 0; });
}

}  // namespace

PrefixIndex::Match::Match(const PrefixIndex& index, std::span<const EndpointKey> endpoints,
                          std::span<std::int32_t> out, Arena& scratch)
    : index_(index), out_(out) {
  std::size_t slots = 0;
  for (const EndpointKey key : endpoints) slots = std::max<std::size_t>(slots, key.slot() + 1U);
  words_ = (slots + kWordBits - 1) / kWordBits;
  position_ = scratch.array<std::uint32_t>(words_ * kWordBits);
  sets_ = scratch.array<std::uint64_t>(kSets * words_);
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const std::uint16_t slot = endpoints[i].slot();
    const Slot* const found = index.slots_.find(slot);
    if (found == nullptr || found->key.load(std::memory_order_relaxed) != endpoints[i].value) {
      continue;
    }
    position_[slot] = static_cast<std::uint32_t>(i);
    set(kAll)[slot / kWordBits] |= std::uint64_t{1} << (slot % kWordBits);
  }
}

// Looks at the blocks 1, 2, 4, 8 ... until nobody holds one, and between two of them where holders
// dropped out. Most prompts share little, so most searches end at once.
void PrefixIndex::Match::add(std::span<const std::uint64_t> chain) {
  chain_ = chain;
  std::size_t low = 0;
  std::size_t low_set = kAll;
  while (low < chain.size() && !is_nobody(set(low_set))) {
    const std::size_t high = std::min(std::max<std::size_t>(1, 2 * low), chain.size());
    const std::size_t high_set = low_set == kFirstStep ? kFirstStep + 1 : kFirstStep;
    look_up(chain[high - 1], set(low_set), set(high_set));
    between(low, set(low_set), high, set(high_set), kFirstLevel);
    low = high;
    low_set = high_set;
  }
  give(low, set(low_set), {});
}

// Those among `within` that hold the block.
void PrefixIndex::Match::look_up(std::uint64_t hash, Set within, Set holders) {
  std::ranges::fill(holders, 0);
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

// Finds for all that hold block `low` but not block `high`, counted from 1, where they drop out.
void PrefixIndex::Match::between(std::size_t low, Set at_low, std::size_t high, Set at_high,
                                 std::size_t level) {
  if (std::ranges::equal(at_low, at_high)) return;
  if (high - low == 1) return give(low, at_low, at_high);
  const std::size_t middle = low + (high - low) / 2;
  const Set at_middle = set(level);
  look_up(chain_[middle - 1], at_low, at_middle);
  for (std::size_t i = 0; i < words_; ++i) at_middle[i] |= at_high[i];
  between(low, at_low, middle, at_middle, level + 1);
  between(middle, at_middle, high, at_high, level + 1);
}

// Those in `in` but not in `out_of` hold so many blocks.
void PrefixIndex::Match::give(std::size_t blocks, Set in, Set out_of) {
  for (std::size_t i = 0; i < words_; ++i) {
    std::uint64_t word = in[i] & ~(out_of.empty() ? 0 : out_of[i]);
    for (; word != 0; word &= word - 1) {
      const auto slot = i * kWordBits + static_cast<std::size_t>(std::countr_zero(word));
      out_[position_[slot]] += static_cast<std::int32_t>(blocks);
    }
  }
}

}  // namespace pointsman
