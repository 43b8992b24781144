#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "pointsman/base/clock.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/model/slot_pages.h"
#include "pointsman/stage/endpoint_gate.h"

namespace pointsman {

// Counts the requests that each endpoint has from this router, and leaves out those that have as
// many as they may have.
//
// Threading: any thread; nothing locks.
class EndpointLimits final : public EndpointGate {
 public:
  // A request's place at an endpoint, until it is destroyed. The limits outlive it.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& from) noexcept : of_(std::exchange(from.of_, nullptr)), endpoint_(from.endpoint_) {}
    Slot& operator=(Slot&& from) noexcept {
      std::swap(of_, from.of_);
      std::swap(endpoint_, from.endpoint_);
      return *this;
    }
    ~Slot() {
      if (of_ != nullptr) of_->give(endpoint_);
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    friend class EndpointLimits;
    Slot(EndpointLimits& of, EndpointKey endpoint) : of_(&of), endpoint_(endpoint) {}

    EndpointLimits* of_ = nullptr;
    EndpointKey endpoint_;
  };

  // `most`: of each endpoint, at least 1.
  explicit EndpointLimits(std::uint32_t most) : most_(most) {}

  DropReason reason() const override { return DropReason::full; }
  bool any(Clock::time_point /*now*/) const override {
    return full_.load(std::memory_order_relaxed) > 0;
  }
  bool closed(EndpointKey endpoint, Clock::time_point now) const override;

  // A place for one more request; nothing: it has as many as it may have.
  std::optional<Slot> take(EndpointKey endpoint);

 private:
  void give(EndpointKey endpoint);

  const std::uint32_t most_;
  std::atomic<std::int32_t> full_{0};  // how many are at their limit
  SlotPages<std::atomic<std::uint32_t>, 256> counts_;
};

}  // namespace pointsman
