#include "pointsman/plugins/screeners/revision_shares.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <tuple>

namespace pointsman {
namespace {

bool covers(const RevisionShare& revision) {
  return std::ranges::all_of(revision.pods, [](int pods) { return pods > 0; });
}

// Which required role the covered revisions have most pods of; of several the first listed.
std::size_t dominant(std::span<const RevisionShare> revisions, std::size_t roles) {
  std::size_t best = 0;
  int most = -1;
  for (std::size_t role = 0; role < roles; ++role) {
    int total = 0;
    for (const RevisionShare& each : revisions) {
      if (covers(each)) total += each.pods[role];
    }
    if (total <= most) continue;
    most = total;
    best = role;
  }
  return best;
}

}  // namespace

std::span<RevisionShare> revision_shares(std::span<SetPod> pods,
                                         const std::vector<std::string>& required, ShareMode mode,
                                         Arena& arena) {
  const auto same_pod = [](const SetPod& pod) { return std::tie(pod.ns, pod.name); };
  std::ranges::sort(pods, {}, same_pod);
  pods = pods.first(pods.size() - std::ranges::unique(pods, {}, same_pod).size());
  std::ranges::sort(pods, {}, &SetPod::revision);

  const auto room = arena.array<RevisionShare>(pods.size());
  std::size_t count = 0;
  std::span<int> of_role;
  for (const SetPod& pod : pods) {
    if (count == 0 || room[count - 1].revision != pod.revision) {
      of_role = arena.array<int>(required.size());
      room[count++] = {.revision = pod.revision, .pods = of_role};
    }
    const auto role = std::ranges::find(required, pod.role) - required.begin();
    if (static_cast<std::size_t>(role) < required.size()) ++of_role[static_cast<std::size_t>(role)];
  }
  const auto shares = room.first(count);

  const std::size_t leading = mode == ShareMode::max_role ? dominant(shares, required.size()) : 0;
  double sum = 0.0;
  for (RevisionShare& each : shares) {
    if (!covers(each)) continue;
    each.share = mode == ShareMode::max_role
                     ? each.pods[leading]
                     : std::accumulate(each.pods.begin(), each.pods.end(), 0);
    sum += each.share;
  }
  if (sum > 0.0) {
    for (RevisionShare& each : shares) each.share /= sum;
  }
  return shares;
}

std::string_view pick_revision(std::span<const RevisionShare> shares, double unit) {
  double sum = 0.0;
  for (const RevisionShare& each : shares) sum += each.share;
  const double drawn = unit * sum;
  double reached = 0.0;
  std::string_view last;
  for (const RevisionShare& each : shares) {
    if (each.share <= 0.0) continue;
    last = each.revision;
    reached += each.share;
    if (drawn < reached) break;
  }
  return last;
}

}  // namespace pointsman
