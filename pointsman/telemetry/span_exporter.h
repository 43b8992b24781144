#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "pointsman/base/clock.h"
#include "pointsman/base/random.h"
#include "pointsman/model/trace.h"
#include "pointsman/telemetry/bounded_queue.h"
#include "pointsman/telemetry/finished_span.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/span_sink.h"
#include "pointsman/telemetry/trace_environment.h"
#include "pointsman/telemetry/trace_pool.h"

namespace pointsman {

// How a batch that failed is tried again (spec/01 section 4.2): after `first`, then 1.5 times as
// long each time, never longer than `longest`, spread by half to either side.
struct RetryPolicy {
  std::chrono::milliseconds first{5000};
  std::chrono::milliseconds longest{30'000};
  std::chrono::milliseconds give_up{60'000};
};

// Brings finished traces to a SpanSink, on a thread of its own. Whatever the sink does, offer()
// costs the same and memory stays bounded: what does not fit is dropped and counted.
//
// Threading: offer() and the counts from any thread; start() and stop() by the owner.
class SpanExporter {
 public:
  SpanExporter(const BatchSettings& batch, const SpanLimits& limits, std::unique_ptr<SpanSink> sink,
               TracePool& pool, Logger log, RetryPolicy retry = {});
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;
  ~SpanExporter();

  void start();

  // Hands over a finished trace. Never waits.
  void offer(std::unique_ptr<TraceBuffer> trace);

  // Sends what is queued for at most `patience`, then gives up and ends the thread.
  void stop(std::chrono::milliseconds patience);

  // Spans by what became of them.
  struct Counts {
    std::atomic<std::uint64_t> exported{0};
    std::atomic<std::uint64_t> trace_full{0};  // did not fit into their trace's buffer
    std::atomic<std::uint64_t> queue_full{0};
    std::atomic<std::uint64_t> rejected{0};  // refused by the collector
    std::atomic<std::uint64_t> given_up{0};  // it did not answer in time
  };
  const Counts& counts() const { return counts_; }

 private:
  void run();
  void wait_for_work();
  void wait_to_retry(std::chrono::milliseconds pause);
  void sleep(std::chrono::milliseconds limit);
  void wake();
  // Fills the batch from the queue; false when there is nothing.
  bool fill();
  void export_batch();
  // The time until `deadline` or the end of stop()'s patience, whichever is first.
  std::chrono::milliseconds time_left(Clock::time_point deadline) const;
  std::chrono::milliseconds jittered(std::chrono::milliseconds delay);
  void lost(std::atomic<std::uint64_t>& count, std::uint64_t spans, std::string_view detail);

  const BatchSettings settings_;
  const RetryPolicy retry_;
  const std::unique_ptr<SpanSink> sink_;
  TracePool& pool_;
  const Logger log_;
  LogEvery every_{std::chrono::seconds(10)};
  Counts counts_;

  BoundedQueue<std::unique_ptr<TraceBuffer>> queue_;
  std::atomic<std::size_t> queued_spans_{0};
  std::atomic<bool> awake_{false};      // a wake-up is on its way
  std::atomic<Clock::rep> stop_at_{0};  // 0: not stopping
  int event_ = -1;                      // wakes the thread

  // Of the thread
  SpanBatch batch_;
  Random random_;

  std::mutex done_mutex_;
  std::condition_variable done_changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace pointsman
