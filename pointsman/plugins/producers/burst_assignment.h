#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pointsman {

// Decides for a batch of requests that arrived together which of them should go to one endpoint,
// because their prompts begin alike (spec/05 section 5.3): prompts that are equal make a group, and
// groups with a common beginning make a family. Groups are placed from the longest prompt on, with
// the load kept even.
struct BurstRules {
  int max_per_replica = -1;        // requests of one group per replica; -1: no limit
  std::size_t min_colocate = 0;    // leading blocks that make a family; 0: no families
  bool balance_by_tokens = false;  // by blocks to compute, else by requests
};

struct BurstReplica {
  double running = 0.0;  // requests it computes, to break ties
  std::string_view id;   // likewise
};

// For every request, given by the hashes of all its prompts' blocks, the replica it should go to,
// or -1 where nothing speaks for any.
std::vector<int> assign_burst(const BurstRules& rules,
                              std::span<const std::span<const std::uint64_t>> requests,
                              std::span<const BurstReplica> replicas);

}  // namespace pointsman
