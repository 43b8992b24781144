#include "pointsman/telemetry/span_exporter.h"

#include <algorithm>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace pointsman {

using std::chrono::milliseconds;

SpanExporter::SpanExporter(const BatchSettings& batch, const SpanLimits& limits,
                           std::unique_ptr<SpanSink> sink, TracePool& pool, Logger log,
                           RetryPolicy retry)
    : settings_(batch),
      retry_(retry),
      sink_(std::move(sink)),
      pool_(pool),
      log_(std::move(log)),
      queue_(std::min<std::size_t>(batch.max_queue_size, 4096)),
      event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      batch_(limits),
      random_(entropy()) {}

SpanExporter::~SpanExporter() {
  stop(milliseconds(0));
  if (event_ >= 0) close(event_);
}

void SpanExporter::start() {
  thread_ = std::thread([this] { run(); });
}

void SpanExporter::offer(std::unique_ptr<TraceBuffer> trace) {
  const std::size_t spans = trace->spans().size();
  if (trace->dropped_spans() > 0) counts_.trace_full += trace->dropped_spans();
  const std::size_t queued = queued_spans_.fetch_add(spans) + spans;
  if (spans == 0 || queued > settings_.max_queue_size || stop_at_ != 0 || !queue_.push(trace)) {
    queued_spans_ -= spans;
    counts_.queue_full += spans;
    pool_.give_back(std::move(trace));
    return;
  }
  if (queued >= settings_.max_export_batch_size) wake();
}

void SpanExporter::stop(milliseconds patience) {
  if (!thread_.joinable()) return;
  stop_at_ = (Clock::now() + patience).time_since_epoch().count();
  awake_ = false;
  wake();
  {
    std::unique_lock lock(done_mutex_);
    if (!done_changed_.wait_for(lock, patience, [this] { return done_; })) sink_->cancel();
  }
  thread_.join();
}

void SpanExporter::run() {
  while (stop_at_ == 0) {
    wait_for_work();
    while (fill()) export_batch();
  }
  while (fill()) export_batch();  // what came while stop() was being called
  const std::lock_guard lock(done_mutex_);
  done_ = true;
  done_changed_.notify_one();
}

void SpanExporter::wait_for_work() {
  if (queued_spans_ < settings_.max_export_batch_size) sleep(settings_.schedule_delay);
  awake_ = false;
}

// Only stop() cuts the pause short. `awake_` stays set, so that nobody else rings meanwhile.
void SpanExporter::wait_to_retry(milliseconds pause) {
  for (const auto end = Clock::now() + pause; stop_at_ == 0 && Clock::now() < end;) {
    sleep(std::chrono::ceil<milliseconds>(end - Clock::now()));
  }
}

// Until woken, at most `limit`.
void SpanExporter::sleep(milliseconds limit) {
  pollfd event{.fd = event_, .events = POLLIN, .revents = 0};
  poll(&event, 1, static_cast<int>(std::min<std::int64_t>(limit.count(), 1'000'000)));
  eventfd_t count = 0;
  eventfd_read(event_, &count);
}

void SpanExporter::wake() {
  if (!awake_.exchange(true)) eventfd_write(event_, 1);
}

bool SpanExporter::fill() {
  std::size_t spans = 0;
  while (spans < settings_.max_export_batch_size) {
    auto trace = queue_.pop();
    if (!trace) break;
    spans += (*trace)->spans().size();
    batch_.add(*std::move(trace));
  }
  queued_spans_ -= spans;
  return spans > 0;
}

void SpanExporter::export_batch() {
  const std::uint64_t spans = batch_.spans().size();
  const auto deadline = Clock::now() + std::min(settings_.export_timeout, retry_.give_up);
  milliseconds delay = retry_.first;
  for (;;) {
    const milliseconds limit = time_left(deadline);
    const SendOutcome outcome = limit.count() > 0 ? sink_->send(batch_.spans(), limit)
                                                  : SendOutcome{.kind = SendOutcome::Kind::retry,
                                                                .detail = "no time left to send"};
    if (outcome.kind == SendOutcome::Kind::accepted) {
      counts_.exported += spans - std::min(outcome.rejected, spans);
      if (outcome.rejected > 0) lost(counts_.rejected, outcome.rejected, outcome.detail);
      break;
    }
    if (outcome.kind == SendOutcome::Kind::refused) {
      lost(counts_.rejected, spans, outcome.detail);
      break;
    }
    const milliseconds pause = std::max(jittered(delay), outcome.retry_after);
    if (stop_at_ != 0 || pause >= time_left(deadline)) {
      lost(counts_.given_up, spans, outcome.detail);
      break;
    }
    wait_to_retry(pause);
    delay = std::min(delay + delay / 2, retry_.longest);
  }
  for (auto& buffer : batch_.take()) pool_.give_back(std::move(buffer));
}

milliseconds SpanExporter::time_left(Clock::time_point deadline) const {
  if (const Clock::rep stop = stop_at_; stop != 0) {
    deadline = std::min(deadline, Clock::time_point(Clock::duration(stop)));
  }
  return std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
}

milliseconds SpanExporter::jittered(milliseconds delay) {
  const double share = 0.5 + random_.unit();
  return milliseconds(static_cast<std::int64_t>(share * static_cast<double>(delay.count())));
}

void SpanExporter::lost(std::atomic<std::uint64_t>& count, std::uint64_t spans,
                        std::string_view detail) {
  count += spans;
  if (const auto missed = every_.pass(Clock::now())) {
    log_.error("trace error occurred",
               {{"error", detail}, {"lostSpans", spans}, {"suppressedLines", *missed}});
  }
}

}  // namespace pointsman
