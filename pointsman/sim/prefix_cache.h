#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace pointsman {

// The KV blocks of one simulated engine: a fixed number, each either free, held by requests, or
// idle (held by nobody, but kept because its content may be asked for again). A block whose content
// is known by its chained hash is shared by every request with that prefix. When blocks run out,
// idle ones leave, least recently released first; a request releases its blocks from the tail to
// the head, so a prefix never leaves before its continuation.
class PrefixCache {
 public:
  explicit PrefixCache(std::uint32_t blocks) : capacity_(blocks) {}

  // The blocks one request holds: first the known ones, by number, then a count of those whose
  // content nobody else can use (yet).
  struct Lease {
    std::vector<std::uint32_t> known;
    std::uint32_t own = 0;
  };

  // Reserves `total` blocks for a prompt that begins with these chained hashes, and shares the
  // longest prefix of them that is cached. Nothing when free and idle blocks together are too few;
  // then nothing has changed. REQUIRES: hashes.size() <= total.
  std::optional<Lease> reserve(std::span<const std::uint64_t> hashes, std::uint32_t total);

  // Makes an own block of `lease` known by `hash`. When another block has that hash already, the
  // block stays private. REQUIRES: lease.own > 0.
  void publish(Lease& lease, std::uint64_t hash);

  // Gives all blocks of `lease` back: the known ones become idle, the others free.
  void release(Lease& lease);

  // Forgets all content. Held blocks stay held, but nobody can find them any more.
  void clear();

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t idle() const { return static_cast<std::uint32_t>(idle_.size()); }
  std::uint32_t held() const { return used_ - idle(); }
  bool contains(std::uint64_t hash) const { return by_hash_.contains(hash); }

 private:
  struct Block {
    std::uint64_t hash = 0;
    std::uint32_t holders = 0;
    bool findable = false;                    // by_hash_ leads here
    std::list<std::uint32_t>::iterator at{};  // place in idle_, valid while holders == 0
  };

  std::uint32_t number_of_new_block();
  void evict_one();

  std::uint32_t capacity_;
  std::uint32_t used_ = 0;            // held or idle
  std::vector<Block> blocks_;         // those with known content; grows as needed
  std::vector<std::uint32_t> spare_;  // numbers in blocks_ that are not in use
  std::unordered_map<std::uint64_t, std::uint32_t> by_hash_;
  std::list<std::uint32_t> idle_;  // the first leaves first
};

}  // namespace pointsman
