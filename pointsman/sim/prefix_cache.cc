#include "pointsman/sim/prefix_cache.h"

#include <ranges>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {

std::optional<PrefixCache::Lease> PrefixCache::reserve(std::span<const std::uint64_t> hashes,
                                                       std::uint32_t total) {
  Lease lease;
  std::uint32_t woken = 0;  // shared blocks that are idle now: they are no room for the others
  for (const std::uint64_t hash : hashes) {
    const auto found = by_hash_.find(hash);
    if (found == by_hash_.end()) break;
    lease.known.push_back(found->second);
    if (blocks_[found->second].holders == 0) ++woken;
  }
  lease.own = total - static_cast<std::uint32_t>(lease.known.size());
  if (lease.own > capacity_ - held() - woken) return std::nullopt;

  for (const std::uint32_t number : lease.known) {
    Block& block = blocks_[number];
    if (block.holders++ == 0) idle_.erase(block.at);
  }
  while (capacity_ - used_ < lease.own) evict_one();
  used_ += lease.own;
  return lease;
}

void PrefixCache::publish(Lease& lease, std::uint64_t hash) {
  if (lease.own == 0) bug("publish: the lease has no own block");
  if (by_hash_.contains(hash)) return;
  const std::uint32_t number = number_of_new_block();
  blocks_[number] = {.hash = hash, .holders = 1, .findable = true, .at = {}};
  by_hash_.emplace(hash, number);
  lease.known.push_back(number);
  --lease.own;
}

void PrefixCache::release(Lease& lease) {
  used_ -= lease.own;
  for (const std::uint32_t number : std::views::reverse(lease.known)) {
    Block& block = blocks_[number];
    if (--block.holders > 0) continue;
    if (block.findable) {
      block.at = idle_.insert(idle_.end(), number);
    } else {
      spare_.push_back(number);
      --used_;
    }
  }
  lease = {};
}

void PrefixCache::clear() {
  while (!idle_.empty()) evict_one();
  for (const std::uint32_t number : std::views::values(by_hash_)) blocks_[number].findable = false;
  by_hash_.clear();
}

std::uint32_t PrefixCache::number_of_new_block() {
  if (spare_.empty()) {
    blocks_.emplace_back();
    return static_cast<std::uint32_t>(blocks_.size() - 1);
  }
  const std::uint32_t number = spare_.back();
  spare_.pop_back();
  return number;
}

void PrefixCache::evict_one() {
  const std::uint32_t number = idle_.front();
  idle_.pop_front();
  by_hash_.erase(blocks_[number].hash);
  spare_.push_back(number);
  --used_;
}

}  // namespace pointsman
