#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/base/result.h"
#include "pointsman/record/decision_frame.h"
#include "pointsman/record/frame.h"
#include "pointsman/record/recorded_decision.h"

namespace pointsman {

// Reads the bytes of one record file from front to back. Whatever the bytes are, it ends: what is
// damaged is skipped and counted, and memory stays within a few frames.
//
// Threading: one thread.
class RecordReader {
 public:
  // Errors: invalid_config, when this is no record of a version that this build reads.
  // `bytes` outlive the reader.
  static Result<RecordReader> open(std::string_view bytes);

  enum class Found : std::uint8_t { decision, outcome, end };
  // Reads on to the next decision, which goes to `into`, or outcome, which goes to outcome().
  Found next(RecordedDecision& into);
  // The decision's id, and how it ended.
  const std::pair<std::uint64_t, Outcome>& outcome() const { return outcome_; }

  struct Counts {
    std::size_t decisions = 0;
    std::size_t outcomes = 0;
    std::size_t damaged = 0;    // stretches or frames that could not be read
    std::size_t orphans = 0;    // decisions whose fleet or pipeline could not be read
    bool complete = false;      // the file was closed in order
    std::uint64_t dropped = 0;  // by the writer, as its last frame tells
  };
  Counts counts() const;
  // Which part of the bytes has been read, 0 to 1.
  double progress() const;

 private:
  explicit RecordReader(std::string_view bytes);

  bool take_pipeline(std::string_view payload);
  bool take_fleet(std::string_view payload);
  const RecordedPipeline* pipeline(std::uint64_t number) const;
  std::shared_ptr<const Fleet> fleet(std::uint64_t number) const;

  std::size_t size_;
  FrameReader frames_;
  Counts counts_;
  std::pair<std::uint64_t, Outcome> outcome_;
  std::deque<std::pair<std::uint64_t, RecordedPipeline>> pipelines_;
  std::deque<std::pair<std::uint64_t, std::shared_ptr<const Fleet>>> fleets_;
};

// A file in memory, without reading it.
class MappedFile {
 public:
  // Errors: io.
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace pointsman
