#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "pointsman/model/endpoint_notes.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// One T per endpoint, worked out once for a set of identities instead of once per request. The
// member of a plugin, which hands it the same function every time.
template <typename T>
class PerEndpoint {
 public:
  // `make`: T from an Endpoint. Allocates on the first call for these endpoints only. The span
  // lives as long as the fleet.
  template <typename Make>
  std::span<const T> of(const Fleet& fleet, const Make& make) const {
    EndpointNotes& notes = fleet.notes();
    if (const auto* known = notes.find(key_)) return static_cast<const Values*>(known)->all();
    auto note = std::make_unique<Values>(key_, fleet.size());
    for (std::size_t e = 0; e < fleet.size(); ++e) note->values[e] = make(fleet.endpoints()[e]);
    return static_cast<const Values&>(notes.add(std::move(note))).all();
  }

 private:
  struct Values final : EndpointNotes::Note {
    Values(std::uint64_t author, std::size_t count)
        : Note(author), values(std::make_unique<T[]>(count)), size(count) {}
    std::span<const T> all() const { return {values.get(), size}; }

    std::unique_ptr<T[]> values;  // a vector<bool> would have no span
    std::size_t size;
  };

  static std::uint64_t next_key() {
    static std::atomic<std::uint64_t> last = 0;
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  std::uint64_t key_ = next_key();  // never used again, unlike an address
};

}  // namespace pointsman
