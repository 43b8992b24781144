#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "pointsman/model/trace.h"
#include "pointsman/telemetry/bounded_queue.h"

namespace pointsman {

// The buffers of sampled requests: made when first needed, then used again, so that memory and
// allocations have a bound.
//
// Threading: any thread, lock-free. The pool outlives its buffers' users.
class TracePool {
 public:
  // At most `max` buffers exist at a time; `idle` of them are kept while nobody needs them.
  explicit TracePool(std::size_t max = 2048, std::size_t idle = 256) : max_(max), free_(idle) {}

  // Null when all buffers are in use.
  std::unique_ptr<TraceBuffer> take() {
    if (auto kept = free_.pop()) return *std::move(kept);
    if (made_.fetch_add(1, std::memory_order_relaxed) < max_)
      return std::make_unique<TraceBuffer>();
    made_.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }

  void give_back(std::unique_ptr<TraceBuffer> buffer) {
    if (!free_.push(buffer)) made_.fetch_sub(1, std::memory_order_relaxed);  // and it dies here
  }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> made_{0};
  BoundedQueue<std::unique_ptr<TraceBuffer>> free_;
};

}  // namespace pointsman
