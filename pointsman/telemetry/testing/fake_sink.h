#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "pointsman/telemetry/span_sink.h"

namespace pointsman {

// For tests: what a FakeSink was given. Outlives the sink.
struct SinkRecord {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> names;    // of all spans, in order
  std::vector<std::size_t> batches;  // spans in each send()
  std::deque<SendOutcome> answers;   // to the next sends; then everything is accepted
  bool hang = false;                 // send() waits for release or cancel()
  bool cancelled = false;

  // Waits until `count` sends have begun, for at most ten seconds.
  bool wait_for_sends(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10),
                            [&] { return batches.size() >= count; });
  }
  void release() {
    const std::lock_guard lock(mutex);
    hang = false;
    changed.notify_all();
  }
};

class FakeSink final : public SpanSink {
 public:
  explicit FakeSink(SinkRecord& record) : record_(record) {}

  SendOutcome send(std::span<const FinishedSpan> spans,
                   std::chrono::milliseconds /*limit*/) override {
    std::unique_lock lock(record_.mutex);
    record_.batches.push_back(spans.size());
    for (const FinishedSpan& span : spans) record_.names.emplace_back(span.name);
    record_.changed.notify_all();
    record_.changed.wait(lock, [this] { return !record_.hang || record_.cancelled; });
    if (record_.cancelled) return {.kind = SendOutcome::Kind::retry, .detail = "cancelled"};
    if (record_.answers.empty()) return {};
    SendOutcome answer = std::move(record_.answers.front());
    record_.answers.pop_front();
    return answer;
  }

  void cancel() override {
    const std::lock_guard lock(record_.mutex);
    record_.cancelled = true;
    record_.changed.notify_all();
  }

 private:
  SinkRecord& record_;
};

}  // namespace pointsman
