#include "pointsman/plugins/producers/burst_assignment.h"

#include <algorithm>
#include <map>
#include <set>

namespace pointsman {
namespace {

using Blocks = std::span<const std::uint64_t>;

// Requests whose prompts are equal.
struct Group {
  Blocks blocks;
  std::vector<std::size_t> members;  // in order of arrival
  bool has_family = false;           // others begin alike
};

struct Less {
  bool operator()(Blocks a, Blocks b) const { return std::ranges::lexicographical_compare(a, b); }
};

// In the order in which they were first seen. Requests without blocks belong to none.
std::vector<Group> groups_of(std::span<const Blocks> requests) {
  std::vector<Group> groups;
  std::map<Blocks, std::size_t, Less> known;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].empty()) continue;
    const auto [at, is_new] = known.try_emplace(requests[i], groups.size());
    if (is_new) groups.push_back({.blocks = requests[i], .members = {}});
    groups[at->second].members.push_back(i);
  }
  return groups;
}

void find_families(std::vector<Group>& groups, std::size_t blocks) {
  if (blocks == 0) return;
  std::map<Blocks, std::size_t, Less> sizes;
  for (const Group& g : groups) {
    if (g.blocks.size() >= blocks) sizes[g.blocks.first(blocks)] += g.members.size();
  }
  for (Group& g : groups) {
    g.has_family = g.blocks.size() >= blocks && sizes[g.blocks.first(blocks)] >= 2;
  }
}

class Placement {
 public:
  Placement(const BurstRules& rules, std::span<const BurstReplica> replicas,
            std::vector<int>& assigned)
      : rules_(rules), replicas_(replicas), assigned_(assigned), load_(replicas.size(), 0) {}

  // `total`: the load of all groups together.
  void limit(std::size_t total) { share_ = (total + replicas_.size() - 1) / replicas_.size(); }

  void place(const Group& group) {
    const std::size_t n = replicas_.size();
    const std::vector<std::size_t> matches = held(group.blocks);
    std::vector<std::size_t> used(n, 0);
    std::size_t next = 0;
    while (next < group.members.size()) {
      std::size_t r = n;
      if (next == 0 && rules_.min_colocate > 0) r = nearest(matches);
      if (r == n) r = least(used);
      const std::size_t run = std::min(group.members.size() - next, room(used[r]));
      for (std::size_t i = 0; i < run; ++i) {
        assigned_[group.members[next + i]] = static_cast<int>(r);
      }
      if (!rules_.balance_by_tokens) {
        load_[r] += run;
      } else if (used[r] == 0) {
        load_[r] += group.blocks.size() - std::min(matches[r], group.blocks.size());
      }
      used[r] += run;
      next += run;
    }
    for (std::size_t r = 0; r < n; ++r) {
      if (used[r] == 0) continue;
      for (const std::uint64_t block : group.blocks) holders_[block].insert(r);
    }
  }

 private:
  // How many leading blocks each replica holds by what was placed before.
  std::vector<std::size_t> held(Blocks blocks) const {
    std::vector<std::size_t> counts(replicas_.size(), 0);
    for (const std::uint64_t block : blocks) {
      const auto found = holders_.find(block);
      if (found == holders_.end()) break;
      for (const std::size_t r : found->second) ++counts[r];
    }
    return counts;
  }

  // How many more requests of the group the replica takes at once, at least one.
  std::size_t room(std::size_t used) const {
    if (rules_.max_per_replica < 0) return assigned_.size();
    const auto most = static_cast<std::size_t>(rules_.max_per_replica);
    return most > used ? most - used : 1;
  }
  bool takes_more(std::size_t used) const {
    return rules_.max_per_replica < 0 || used < static_cast<std::size_t>(rules_.max_per_replica);
  }

  bool less(std::size_t a, std::size_t b) const {
    if (load_[a] != load_[b]) return load_[a] < load_[b];
    if (replicas_[a].running != replicas_[b].running) {
      return replicas_[a].running < replicas_[b].running;
    }
    return replicas_[a].id < replicas_[b].id;
  }

  // The one that holds most of the group's family and has room under its share.
  std::size_t nearest(const std::vector<std::size_t>& matches) const {
    std::size_t best = replicas_.size();
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      if (load_[r] >= share_ || matches[r] < rules_.min_colocate) continue;
      if (best == replicas_.size() || matches[r] > matches[best] ||
          (matches[r] == matches[best] && less(r, best))) {
        best = r;
      }
    }
    return best;
  }

  // The least loaded that takes more of the group, or the least loaded at all.
  std::size_t least(const std::vector<std::size_t>& used) const {
    std::size_t best = replicas_.size();
    std::size_t any = 0;
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      if (less(r, any)) any = r;
      if (takes_more(used[r]) && (best == replicas_.size() || less(r, best))) best = r;
    }
    return best == replicas_.size() ? any : best;
  }

  const BurstRules& rules_;
  std::span<const BurstReplica> replicas_;
  std::vector<int>& assigned_;
  std::vector<std::size_t> load_;
  std::size_t share_ = 0;
  std::map<std::uint64_t, std::set<std::size_t>> holders_;  // of a block
};

}  // namespace

std::vector<int> assign_burst(const BurstRules& rules, std::span<const Blocks> requests,
                              std::span<const BurstReplica> replicas) {
  std::vector<int> assigned(requests.size(), -1);
  if (replicas.empty()) return assigned;
  std::vector<Group> groups = groups_of(requests);
  find_families(groups, rules.min_colocate);
  std::erase_if(groups, [](const Group& g) { return g.members.size() < 2 && !g.has_family; });
  // Groups before lone requests, long prompts before short ones.
  std::ranges::stable_sort(groups, [](const Group& a, const Group& b) {
    const bool group_a = a.members.size() >= 2;
    const bool group_b = b.members.size() >= 2;
    if (group_a != group_b) return group_a;
    return a.blocks.size() > b.blocks.size();
  });
  Placement placement(rules, replicas, assigned);
  std::size_t total = 0;
  for (const Group& g : groups) {
    total += rules.balance_by_tokens ? g.blocks.size() : g.members.size();
  }
  placement.limit(total);
  for (const Group& g : groups) placement.place(g);
  return assigned;
}

}  // namespace pointsman
