#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/record/decision_frame.h"
#include "pointsman/record/decision_ring.h"
#include "pointsman/record/decision_sink.h"
#include "pointsman/record/frame.h"
#include "pointsman/record/rotating_file.h"
#include "pointsman/telemetry/bounded_queue.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

struct RecordOptions {
  std::string folder;                        // made if it is not there
  std::uint64_t file_bytes = 256ULL << 20U;  // then the next file begins
  std::size_t files = 16;                    // the oldest goes when there are more
  std::size_t queue = 8192;                  // decisions and outcomes that wait to be written
  std::string build;                         // told in the file
};

// Writes decisions and how they ended to files, on a thread of its own. A request's thread only
// puts a pointer into a bounded queue; what finds no room there is dropped and counted.
//
// Threading: kept(), ended() and the counts from any thread; the rest by the owner.
class RecordWriter final : public DecisionSink {
 public:
  // `ring` is where decisions come from and go back to; it outlives this.
  // Errors: io, when the first file cannot be made.
  static Result<std::unique_ptr<RecordWriter>> start(RecordOptions options, DecisionRing& ring,
                                                     Logger log);
  ~RecordWriter() override;

  bool wants_inputs() const override { return true; }
  void kept(const std::shared_ptr<Decision>& decision) override;
  void ended(const std::shared_ptr<Decision>& decision, const Outcome& outcome) override;

  // Writes what is queued, closes the file in order and ends the thread.
  void stop();

  struct Counts {
    std::atomic<std::uint64_t> decisions{0};
    std::atomic<std::uint64_t> outcomes{0};
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> queue_full{0};
    std::atomic<std::uint64_t> too_large{0};
    std::atomic<std::uint64_t> failed{0};  // the disk refused
  };
  const Counts& counts() const { return counts_; }
  // Adds the pointsman_record_* families. This object must outlive the last scrape.
  void add_metrics(Metrics& metrics) const;

 private:
  struct Item {
    std::shared_ptr<Decision> decision;
    Outcome outcome;
    bool ended = false;
  };
  // A fleet that later frames may refer to.
  struct Known {
    std::shared_ptr<const Fleet> fleet;
    std::uint64_t number = 0;
  };

  RecordWriter(RecordOptions options, DecisionRing& ring, Logger log);

  void run();
  bool drain();
  void write(Item& item);
  std::uint64_t fleet_number(const std::shared_ptr<const Fleet>& fleet);
  std::uint64_t pipeline_number(const Decision& decision);
  void frame(FrameKind kind);
  void flush();
  void forget();
  void begin_file();
  void failed(const Error& error);

  const RecordOptions options_;
  DecisionRing& ring_;
  const Logger log_;
  Counts counts_;
  BoundedQueue<Item> queue_;

  // Of the thread. Numbers and what they stand for begin anew in each file.
  RotatingFile file_;
  std::string payload_;
  std::string out_;
  RecordedDecision hashes_;
  std::deque<Known> fleets_;
  std::uint64_t next_fleet_ = 0;
  std::uint64_t since_whole_ = 0;
  std::vector<std::pair<std::shared_ptr<const Plan>, std::uint64_t>> pipelines_;
  std::vector<std::shared_ptr<Decision>> done_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pointsman
