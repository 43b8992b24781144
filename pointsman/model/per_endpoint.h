#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "pointsman/model/endpoint_notes.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// One T per endpoint, worked out once for a set of identities instead of once per request. The
// member of a plugin, which hands it the same function every time.
template <typename T>
class PerEndpoint {
 public:
  static_assert(!std::is_same_v<T, bool>, "vector<bool> has no span");

  // `make`: T from an Endpoint. Allocates on the first call for these endpoints only. The span
  // lives as long as the fleet.
  template <typename Make>
  std::span<const T> of(const Fleet& fleet, const Make& make) const {
    EndpointNotes& notes = fleet.notes();
    if (const auto* known = notes.find(key_)) return static_cast<const Values*>(known)->values;
    auto note = std::make_unique<Values>(key_);
    note->values.reserve(fleet.size());
    for (const Endpoint& endpoint : fleet.endpoints()) note->values.push_back(make(endpoint));
    return static_cast<const Values&>(notes.add(std::move(note))).values;
  }

 private:
  struct Values final : EndpointNotes::Note {
    using Note::Note;
    std::vector<T> values;
  };

  static std::uint64_t next_key() {
    static std::atomic<std::uint64_t> last = 0;
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  std::uint64_t key_ = next_key();  // never used again, unlike an address
};

}  // namespace pointsman
