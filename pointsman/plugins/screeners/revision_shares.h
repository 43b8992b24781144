#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/arena.h"

namespace pointsman {

// A pod of a disaggregated set, by the names it is labelled with.
struct SetPod {
  std::string_view ns;
  std::string_view name;
  std::string_view revision;
  std::string_view role;
};

enum class ShareMode : std::uint8_t {
  sum,       // a revision weighs what its pods of the required roles are together
  max_role,  // ... or those of the required role of which there are most, over all revisions
};

struct RevisionShare {
  std::string_view revision;
  std::span<const int> pods;  // of each required role
  double share = 0.0;         // of requests
};

// The share of requests of each revision, sorted by its name: 0 for one that lacks a required role.
// They add up to 1, unless all are 0. A pod that is listed several times counts once; `pods` is
// sorted anew. Allocates from `arena` only.
std::span<RevisionShare> revision_shares(std::span<SetPod> pods,
                                         const std::vector<std::string>& required, ShareMode mode,
                                         Arena& arena);

// One with a share above 0, each as likely as it is large; empty when there is none.
std::string_view pick_revision(std::span<const RevisionShare> shares, double unit);

}  // namespace pointsman
