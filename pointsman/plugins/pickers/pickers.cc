#include "pointsman/plugins/pickers/pickers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "pointsman/base/extremes.h"
#include "pointsman/base/wide.h"

namespace pointsman {
namespace {

std::size_t at_least_one(int wanted) {
  return wanted > 0 ? static_cast<std::size_t>(wanted) : 1;
}

// Fills `out` with the positions 0 to n-1 and puts a random choice of `k` of them, in random
// order, to its front (Fisher-Yates).
void draw(std::span<EndpointIndex> out, std::size_t k, Random& random) {
  std::iota(out.begin(), out.end(), 0U);
  for (std::size_t i = 0; i < k && i + 1 < out.size(); ++i) {
    std::swap(out[i], out[i + random.below(out.size() - i)]);
  }
}

// Turns the first `k` positions into the endpoints that stand there.
std::size_t finish(std::span<const EndpointIndex> candidates, std::span<EndpointIndex> out,
                   std::size_t k) {
  for (EndpointIndex& position : out.first(k)) position = candidates[position];
  return k;
}

double most(std::span<const double> values) {
  double found = 0.0;
  const double* const first = values.data();
  const std::size_t n = values.size();
  wide([=, &found]() __attribute__((always_inline)) { found = extremes(first, n).most; });
  return found;
}

}  // namespace

MaxScorePicker::MaxScorePicker(Params params, Setup& /*setup*/)
    : wanted_(at_least_one(params.max_endpoints)) {}

std::size_t MaxScorePicker::pick(std::span<const EndpointIndex> candidates,
                                 std::span<const double> totals, Random& random, Trace& /*trace*/,
                                 std::span<EndpointIndex> out) const {
  if (candidates.empty()) return 0;
  if (wanted_ == 1) {
    // The j-th candidate that ties for best replaces the choice with probability 1/j.
    const double best = most(totals);
    std::size_t choice = 0;
    std::uint64_t ties = 0;
    for (std::size_t i = 0; i < totals.size(); ++i) {
      if (totals[i] == best && (++ties == 1 || random.below(ties) == 0)) choice = i;
    }
    out[0] = candidates[choice];
    return 1;
  }
  // Shuffled first, so that equal totals, which sorting cannot tell apart, come out at random.
  const std::size_t k = std::min(wanted_, candidates.size());
  draw(out, out.size(), random);
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(k), out.end(),
                    [&](EndpointIndex a, EndpointIndex b) { return totals[a] > totals[b]; });
  return finish(candidates, out, k);
}

RandomPicker::RandomPicker(Params params, Setup& /*setup*/)
    : wanted_(at_least_one(params.max_endpoints)) {}

std::size_t RandomPicker::pick(std::span<const EndpointIndex> candidates,
                               std::span<const double> /*totals*/, Random& random, Trace& /*trace*/,
                               std::span<EndpointIndex> out) const {
  const std::size_t k = std::min(wanted_, candidates.size());
  draw(out, k, random);
  return finish(candidates, out, k);
}

WeightedRandomPicker::WeightedRandomPicker(Params params, Setup& /*setup*/)
    : wanted_(at_least_one(params.max_endpoints)) {}

std::size_t WeightedRandomPicker::pick(std::span<const EndpointIndex> candidates,
                                       std::span<const double> totals, Random& random,
                                       Trace& /*trace*/, std::span<EndpointIndex> out) const {
  const std::size_t k = std::min(wanted_, candidates.size());
  draw(out, out.size(), random);
  if (std::ranges::none_of(totals, [](double total) { return total > 0.0; })) {
    return finish(candidates, out, k);
  }
  // A position's key is a function of the seed, so it needs no memory of its own.
  const std::uint64_t seed = random.next();
  const auto key = [&](EndpointIndex position) {
    if (!(totals[position] > 0.0)) return -std::numeric_limits<double>::infinity();
    const double u = Random(seed + position * 0x9E3779B97F4A7C15U).unit();
    return std::log(u > 0.0 ? u : 1e-10) / totals[position];
  };
  if (k == 1) {
    EndpointIndex best = out[0];
    double best_key = key(best);
    for (const EndpointIndex position : out.subspan(1)) {
      if (const double other = key(position); other > best_key) {
        best = position;
        best_key = other;
      }
    }
    out[0] = best;
  } else {
    std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(k), out.end(),
                      [&](EndpointIndex a, EndpointIndex b) { return key(a) > key(b); });
  }
  return finish(candidates, out, k);
}

}  // namespace pointsman
