#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/record/record_reader.h"

namespace pointsman {

// What the commands that read records say about what they could not use.
struct RecordTotals {
  std::size_t files = 0;
  std::size_t decisions = 0;
  std::size_t finished = 0;        // whose outcome is recorded too
  std::size_t damaged = 0;         // places that could not be read
  std::size_t orphans = 0;         // decisions whose fleet or configuration could not be read
  std::size_t incomplete = 0;      // files that were not closed in order
  std::uint64_t dropped = 0;       // by the writer
  std::int64_t cached_tokens = 0;  // observed by the servers, over all outcomes
};

// Reads record files one after the other, oldest first, a batch of decisions at a time.
class RecordFiles {
 public:
  // `paths` are files, or folders whose *.pmr are meant. Errors: io, invalid_config with the path.
  static Result<RecordFiles> open(const std::vector<std::string>& paths);

  // Fills `into` from the front, keeping its memory; the number of decisions, 0 at the end.
  std::size_t next(std::vector<RecordedDecision>& into);
  RecordTotals totals() const;
  double progress() const;  // 0 to 1

 private:
  bool next_file();
  void count_file();

  std::vector<MappedFile> files_;
  std::size_t at_ = 0;
  std::optional<RecordReader> reader_;
  RecordTotals totals_;
};

// What could not be used, a line each; empty when all is well.
std::string to_text(const RecordTotals& totals);

// Shows how far a command has come, on stderr if that is a terminal. A few times a second.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(double share, std::size_t decisions);

 private:
  std::string what_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point next_;
};

// "12,345"
std::string grouped(std::uint64_t number);

}  // namespace pointsman
