#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/model/names.h"

namespace pointsman {

// The LoRA adapters of one endpoint.
struct Adapters {
  std::vector<std::string> active;
  std::vector<std::string> waiting;
  std::uint32_t room = 0;  // the server's max_lora
};

// Who has which LoRA adapter. Adapters are numbered; the tables by endpoint and by adapter hold the
// same facts, so that nobody searches one for what the other tells.
//
// Threading: immutable.
class AdapterTable {
 public:
  // REQUIRES: one entry per endpoint.
  explicit AdapterTable(std::span<const Adapters> adapters);

  // The number of an adapter, or nothing when no endpoint has or awaits it.
  std::optional<std::uint32_t> find(std::string_view name) const;
  const std::string& name(std::uint32_t adapter) const { return names_[adapter]; }

  std::span<const std::uint32_t> active(EndpointIndex e) const {
    return std::span(ids_).subspan(slots_[e].first, slots_[e].active);
  }
  std::span<const std::uint32_t> waiting(EndpointIndex e) const {
    return std::span(ids_).subspan(slots_[e].first + slots_[e].active, slots_[e].waiting);
  }
  std::uint32_t room(EndpointIndex e) const { return slots_[e].room; }
  // Per endpoint, how many adapters more it has room for; may be negative.
  std::span<const double> spare() const { return spare_; }

  // The endpoints that hold, or await, an adapter; ascending.
  std::span<const EndpointIndex> holders(std::uint32_t adapter) const {
    return holders_.of(adapter);
  }
  std::span<const EndpointIndex> waiters(std::uint32_t adapter) const {
    return waiters_.of(adapter);
  }

 private:
  struct Slots {
    std::uint32_t first = 0;  // into ids_: the active ones, then the waiting ones
    std::uint32_t active = 0;
    std::uint32_t waiting = 0;
    std::uint32_t room = 0;
  };
  // Endpoints by adapter, one after the other.
  struct ByAdapter {
    std::vector<std::uint32_t> first;  // one more than there are adapters
    std::vector<EndpointIndex> endpoints;

    std::span<const EndpointIndex> of(std::uint32_t adapter) const {
      return std::span(endpoints).subspan(first[adapter], first[adapter + 1] - first[adapter]);
    }
  };

  template <typename List>
  ByAdapter by_adapter(const List& list) const;

  std::vector<std::string> names_;  // sorted; the position is the number
  std::vector<std::uint32_t> ids_;
  std::vector<Slots> slots_;
  std::vector<double> spare_;
  ByAdapter holders_;
  ByAdapter waiters_;
};

}  // namespace pointsman
