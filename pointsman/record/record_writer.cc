#include "pointsman/record/record_writer.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "pointsman/base/clock.h"
#include "pointsman/record/bytes.h"
#include "pointsman/record/fleet_frame.h"

namespace pointsman {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);  // how late a file may be
constexpr std::size_t kBatch = 256;                     // decisions held before they are given back
constexpr std::size_t kFlushBytes = 1U << 20U;
constexpr std::size_t kKnownFleets = 64;     // that decisions may refer to
constexpr std::uint64_t kWholeEvery = 1024;  // fleet frames: what damage can cost a reader

}  // namespace

RecordWriter::RecordWriter(RecordOptions options, DecisionRing& ring, Logger log)
    : options_(std::move(options)),
      ring_(ring),
      log_(std::move(log)),
      queue_(options_.queue),
      file_(options_.folder, options_.files) {}

Result<std::unique_ptr<RecordWriter>> RecordWriter::start(RecordOptions options, DecisionRing& ring,
                                                          Logger log) {
  std::unique_ptr<RecordWriter> writer(new RecordWriter(std::move(options), ring, std::move(log)));
  if (auto made = writer->file_.next(); !made) return std::unexpected(made.error());
  writer->begin_file();
  writer->flush();
  if (writer->counts_.failed > 0) {
    return fail(Code::io, "cannot write to the folder " + writer->options_.folder);
  }
  writer->thread_ = std::thread([w = writer.get()] { w->run(); });
  return writer;
}

RecordWriter::~RecordWriter() {
  stop();
}

void RecordWriter::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void RecordWriter::kept(const std::shared_ptr<Decision>& decision) {
  Item item{.decision = decision};
  if (!queue_.push(item)) counts_.queue_full.fetch_add(1, std::memory_order_relaxed);
}

void RecordWriter::ended(const std::shared_ptr<Decision>& decision, const Outcome& outcome) {
  Item item{.decision = decision, .outcome = outcome, .ended = true};
  if (!queue_.push(item)) counts_.queue_full.fetch_add(1, std::memory_order_relaxed);
}

void RecordWriter::run() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kPause, [&] { return stopping_; });
      last = stopping_;
    }
    while (drain()) {
    }
    if (last) {
      payload_.clear();
      ByteWriter end(payload_);
      end.varint(counts_.decisions);
      end.varint(counts_.queue_full + counts_.too_large + counts_.failed);
      frame(FrameKind::end);
    }
    flush();
  }
}

// Writes a batch; false when the queue was empty before it was full.
bool RecordWriter::drain() {
  std::size_t n = 0;
  for (; n < kBatch; ++n) {
    auto item = queue_.pop();
    if (!item) break;
    write(*item);
    done_.push_back(std::move(item->decision));
  }
  if (!done_.empty()) ring_.give_back(done_);
  if (out_.size() >= kFlushBytes) flush();
  return n == kBatch;
}

void RecordWriter::write(Item& item) {
  if (file_.size() + out_.size() >= options_.file_bytes) {
    flush();
    begin_file();
  }
  if (item.ended) {
    payload_.clear();
    encode_outcome(item.decision->id, item.outcome, payload_);
    frame(FrameKind::outcome);
    counts_.outcomes.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const Decision& decision = *item.decision;
  const std::uint64_t pipeline = pipeline_number(decision);
  const std::uint64_t fleet = fleet_number(decision.fleet);
  payload_.clear();
  encode_decision(decision, pipeline, fleet, hashes_, payload_);
  if (payload_.size() > kMaxFrame) {
    counts_.too_large.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  frame(FrameKind::decision);
  counts_.decisions.fetch_add(1, std::memory_order_relaxed);
}

// The number of the fleet in this file; writes it if it is new there.
std::uint64_t RecordWriter::fleet_number(const std::shared_ptr<const Fleet>& fleet) {
  const auto known = std::find_if(fleets_.rbegin(), fleets_.rend(),
                                  [&](const Known& k) { return k.fleet == fleet; });
  if (known != fleets_.rend()) return known->number;
  const bool whole = fleets_.empty() || ++since_whole_ >= kWholeEvery;
  if (whole) since_whole_ = 0;
  const Known number{.fleet = fleet, .number = next_fleet_++};
  payload_.clear();
  ByteWriter writer(payload_);
  writer.varint(number.number);
  writer.varint(whole ? 0 : fleets_.back().number + 1);
  encode_fleet(*fleet, whole ? nullptr : fleets_.back().fleet.get(), payload_);
  frame(FrameKind::fleet);
  fleets_.push_back(number);
  if (fleets_.size() > kKnownFleets) fleets_.pop_front();
  return number.number;
}

std::uint64_t RecordWriter::pipeline_number(const Decision& decision) {
  const auto known =
      std::ranges::find(pipelines_, decision.plan, [](const auto& p) { return p.first; });
  if (known != pipelines_.end()) return known->second;
  // A decision that was under way when recording began has no schema: it can be shown only.
  static const InputSchema kUnknown;
  const InputSchema* const schema = decision.inputs.schema.get();
  const std::uint64_t number = pipelines_.size();
  payload_.clear();
  encode_pipeline(number, *decision.plan, schema == nullptr ? kUnknown : *schema, payload_);
  frame(FrameKind::pipeline);
  pipelines_.emplace_back(decision.plan, number);
  return number;
}

void RecordWriter::frame(FrameKind kind) {
  append_frame(kind, payload_, out_);
}

void RecordWriter::flush() {
  if (out_.empty()) return;
  const auto done = file_.write(out_);
  if (done) {
    counts_.bytes.fetch_add(out_.size(), std::memory_order_relaxed);
  } else {
    failed(done.error());
    forget();  // what was lost must not be referred to
  }
  out_.clear();
}

// The disk refused: said once, counted always.
void RecordWriter::failed(const Error& error) {
  if (counts_.failed.fetch_add(1, std::memory_order_relaxed) > 0) return;
  log_.error("decisions are not recorded", {{"error", error.message}});
}

// Later frames say again what they refer to.
void RecordWriter::forget() {
  fleets_.clear();
  pipelines_.clear();
  since_whole_ = 0;
}

// Opens the next file, unless the first one is still empty, and says who writes it.
void RecordWriter::begin_file() {
  if (file_.size() > 0) {
    if (auto made = file_.next(); !made) return failed(made.error());
  }
  forget();
  next_fleet_ = 0;
  out_ = record_head();
  payload_.clear();
  ByteWriter writer(payload_);
  const Clock::time_point now = Clock::now();
  writer.u64(static_cast<std::uint64_t>(now.time_since_epoch().count()));
  writer.u64(static_cast<std::uint64_t>(
      std::chrono::nanoseconds(Clock::wall(now).time_since_epoch()).count()));
  writer.varint(file_.number());
  writer.text(options_.build);
  frame(FrameKind::process);
}

void RecordWriter::add_metrics(Metrics& metrics) const {
  metrics.add_source([this](std::vector<Sample>& out) {
    add_count(out, metric::kRecorded, {"decision"}, counts_.decisions);
    add_count(out, metric::kRecorded, {"outcome"}, counts_.outcomes);
    add_count(out, metric::kRecordBytes, {}, counts_.bytes);
    add_count(out, metric::kRecordDropped, {"queue_full"}, counts_.queue_full);
    add_count(out, metric::kRecordDropped, {"too_large"}, counts_.too_large);
    add_count(out, metric::kRecordDropped, {"io_error"}, counts_.failed);
  });
}

}  // namespace pointsman
