#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>

#include "pointsman/base/arena.h"
#include "pointsman/model/names.h"
#include "pointsman/model/recorded.h"
#include "pointsman/model/request.h"

namespace pointsman {

// How much of the request's prompt an endpoint is believed to hold in its cache, in blocks.
struct PrefixMatch {
  std::int32_t match = 0;         // leading blocks held, possibly weighted by tier
  std::int32_t total = 0;         // blocks of the prompt
  std::int32_t block_tokens = 0;  // tokens per block
  std::int32_t cached = 0;        // leading blocks held, unweighted
  std::int32_t cached_cpu = -1;   // those of them in the server's CPU memory; -1: tiers unknown

  static constexpr auto recorded() {
    using P = PrefixMatch;
    return std::tuple{recorded_as("match", &P::match), recorded_as("total", &P::total),
                      recorded_as("block_tokens", &P::block_tokens),
                      recorded_as("cached", &P::cached), recorded_as("cached_cpu", &P::cached_cpu)};
  }
};

// What this router has sent to an endpoint and not seen the end of.
struct InFlightLoad {
  std::int64_t tokens = 0;
  std::int64_t requests = 0;

  static constexpr auto recorded() {
    using P = InFlightLoad;
    return std::tuple{recorded_as("tokens", &P::tokens), recorded_as("requests", &P::requests)};
  }
};

// What an endpoint would have to compute for this request, in tokens.
struct UncachedTokens {
  std::int64_t tokens = 0;

  static constexpr auto recorded() {
    using P = UncachedTokens;
    return std::tuple{recorded_as("tokens", &P::tokens)};
  }
};

// How fast an endpoint is expected to answer this request. Headroom: objective minus prediction.
struct LatencyPrediction {
  double ttft_ms = 0.0;
  double tpot_ms = 0.0;
  double ttft_headroom_ms = 0.0;
  double tpot_headroom_ms = 0.0;
  std::int64_t dispatched = 0;  // requests sent there that have not ended
  bool known = false;           // false: nothing is predicted for this endpoint
  bool ttft_valid = false;
  bool tpot_valid = false;

  static constexpr auto recorded() {
    using P = LatencyPrediction;
    return std::tuple{recorded_as("ttft_ms", &P::ttft_ms),
                      recorded_as("tpot_ms", &P::tpot_ms),
                      recorded_as("ttft_headroom_ms", &P::ttft_headroom_ms),
                      recorded_as("tpot_headroom_ms", &P::tpot_headroom_ms),
                      recorded_as("dispatched", &P::dispatched),
                      recorded_as("known", &P::known),
                      recorded_as("ttft_valid", &P::ttft_valid),
                      recorded_as("tpot_valid", &P::tpot_valid)};
  }
};

// How many of the request's images, sounds and videos an endpoint is believed to hold encoded.
struct EncoderMatch {
  std::int32_t matched = 0;
  std::int32_t requested = 0;

  static constexpr auto recorded() {
    using P = EncoderMatch;
    return std::tuple{recorded_as("matched", &P::matched), recorded_as("requested", &P::requested)};
  }
};

// Where an endpoint stands, as hashes of the names; 0: not known.
struct Topology {
  std::uint64_t host = 0;
  std::uint64_t rack = 0;
  std::uint64_t zone = 0;
  std::uint64_t region = 0;

  static constexpr auto recorded() {
    using P = Topology;
    return std::tuple{recorded_as("host", &P::host), recorded_as("rack", &P::rack),
                      recorded_as("zone", &P::zone), recorded_as("region", &P::region)};
  }
};

// The client's session, as a producer found it in the request. Never empty.
struct SessionId {
  std::string_view id;

  // What a client calls its session is not for records: who filters by it reads what a producer
  // made of it.
  static constexpr auto recorded() { return std::tuple{}; }
};

// An image, sound or video of the prompt.
struct MediaItem {
  std::uint64_t hash = 0;  // of its content or URL
  PromptPart::Kind kind = PromptPart::Kind::image;
};

// The prompts of a request as a tokenizer understood them. The estimate takes 4 bytes of text for
// one token, so its tokens need not be written down: the parts are the byte stream itself, of the
// kinds text, escaped, tokens and repeat only.
struct TokenizedPrompt {
  std::span<const Prompt> prompts;
  std::int64_t tokens = 0;           // of all prompts together
  std::span<const MediaItem> media;  // in the order of the prompt, repetitions included

  // The prompts themselves are for producers.
  static constexpr auto recorded() {
    return std::tuple{recorded_as("tokens", &TokenizedPrompt::tokens)};
  }
};

// A typed place in Signals: one T per endpoint of the fleet. Plugins get theirs when they are
// built, by declaring what they read and write (stage/setup.h).
template <typename T>
struct Column {
  std::uint16_t index = 0;
};

// The same for one T per request.
template <typename T>
struct Cell {
  std::uint16_t index = 0;
};

// What producers found out about one request: columns over the fleet and single values, all in the
// request's arena. A column that nobody wrote is absent, which is normal.
//
// Threading: owned by the request.
class Signals {
 public:
  // Forgets everything. `slots`: how many columns and cells the pipeline has. `endpoints`: the
  // fleet's size.
  void reset(Arena& arena, std::size_t slots, std::size_t endpoints) {
    arena_ = &arena;
    endpoints_ = endpoints;
    slots_ = arena.array<void*>(slots);
  }

  // The column, one element per endpoint; empty when absent.
  template <typename T>
  std::span<const T> read(Column<T> column) const {
    const auto* first = static_cast<const T*>(slots_[column.index]);
    return {first, first == nullptr ? 0 : endpoints_};
  }

  // The column for writing; value-initialised on the first call.
  template <typename T>
  std::span<T> write(Column<T> column) {
    static_assert(std::is_trivially_destructible_v<T>);
    void*& slot = slots_[column.index];
    if (slot == nullptr) slot = arena_->array<T>(endpoints_).data();
    return {static_cast<T*>(slot), endpoints_};
  }

  // The value, or nullptr when absent.
  template <typename T>
  const T* read(Cell<T> cell) const {
    return static_cast<const T*>(slots_[cell.index]);
  }

  template <typename T>
  T& write(Cell<T> cell) {
    static_assert(std::is_trivially_destructible_v<T>);
    void*& slot = slots_[cell.index];
    if (slot == nullptr) slot = arena_->array<T>(1).data();
    return *static_cast<T*>(slot);
  }

  // The same for code that knows a column by its place and shape only: the recorder and replay.
  // Nullptr when absent.
  const void* at(std::uint16_t place) const { return slots_[place]; }
  // REQUIRES: `count` is the number of endpoints for a column, 1 for a cell.
  void* make(std::uint16_t place, const SignalShape& shape, std::size_t count) {
    void*& slot = slots_[place];
    if (slot == nullptr) {
      slot = arena_->allocate(count * shape.size, shape.align);
      shape.construct(slot, count);
    }
    return slot;
  }

  // For what a producer keeps until its hook runs, and for whoever needs memory while it decides.
  Arena& arena() const { return *arena_; }

 private:
  Arena* arena_ = nullptr;
  std::size_t endpoints_ = 0;
  std::span<void*> slots_;
};

}  // namespace pointsman
