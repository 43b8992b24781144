#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pointsman/base/random.h"
#include "pointsman/model/decision.h"
#include "pointsman/stage/context.h"

namespace pointsman {

// The endpoints still in the running, in the order they were given. Filters shrink the list in
// place; who was dropped, by whom and why, is noted for the Decision.
class Candidates {
 public:
  // `list` is shrunk in place, `drops` is appended to; both outlive this. `seed` is that of the
  // filters' random sequences.
  Candidates(std::span<EndpointIndex> list, std::vector<Drop>& drops, std::uint64_t seed = 0)
      : list_(list), drops_(&drops), seed_(seed) {}

  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  std::span<const EndpointIndex> list() const { return list_; }

  // Keeps those for which keep(EndpointIndex) is true, in order.
  template <typename Keep>
  void keep_if(DropReason reason, const Keep& keep) {
    std::size_t kept = 0;
    for (const EndpointIndex e : list_) {
      if (keep(e)) {
        list_[kept++] = e;
      } else {
        drops_->push_back({e, filter_, reason});
      }
    }
    list_ = list_.first(kept);
  }

  // Keeps those for which keep() is true if there are any, else all. Returns whether there are any.
  template <typename Keep>
  bool keep_if_any(DropReason reason, const Keep& keep) {
    for (const EndpointIndex e : list_) {
      if (!keep(e)) continue;
      keep_if(reason, keep);
      return true;
    }
    return false;
  }

  // A random sequence of this filter's own; it starts from the seed that the Decision records.
  Random random() const { return Random(seed_ ^ ((filter_ + 1U) * 0xA24BAED4963EE407U)); }

  // Who is at work: an index into Plan::Profile::filters, or Drop::kBeforeFilters.
  void set_filter(std::uint8_t filter) { filter_ = filter; }

 private:
  std::span<EndpointIndex> list_;
  std::vector<Drop>* drops_;
  std::uint64_t seed_;
  std::uint8_t filter_ = Drop::kBeforeFilters;
};

// Takes endpoints out of the running.
class Filter {
 public:
  virtual ~Filter() = default;

  // Threading: called concurrently. Must not block, allocate or log.
  virtual void filter(const Context& context, Candidates& candidates) const = 0;
};

}  // namespace pointsman
