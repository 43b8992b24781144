#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pointsman {

// The outer form of a record file (docs/decision-record.md): a head, then frames.
inline constexpr std::string_view kRecordMagic = "PMRECORD";
inline constexpr std::uint32_t kRecordVersion = 1;
inline constexpr std::size_t kRecordHeadBytes = 16;

enum class FrameKind : std::uint8_t {
  process = 1,   // who wrote this, and when
  pipeline = 2,  // a configuration, its profiles and columns
  fleet = 3,     // endpoints and their signals, whole or against an earlier fleet
  decision = 4,
  outcome = 5,
  end = 6,  // the file was closed in order
};

// The largest payload that is written or read.
inline constexpr std::size_t kMaxFrame = 16U << 20U;

// The head of a file.
std::string record_head();

// Appends a frame around `payload`. REQUIRES: payload.size() <= kMaxFrame.
void append_frame(FrameKind kind, std::string_view payload, std::string& out);

// Takes frames from the bytes of a file.
class FrameReader {
 public:
  explicit FrameReader(std::string_view bytes) : left_(bytes) {}

  struct Frame {
    std::uint8_t kind = 0;  // a FrameKind, or one of a later version
    std::string_view payload;
  };
  // The next whole frame. What is damaged in between is skipped and counted; nothing: the end.
  std::optional<Frame> next();

  std::size_t left() const { return left_.size(); }
  // Stretches that were no frame, and their bytes.
  std::size_t damages() const { return damages_; }
  std::size_t damaged_bytes() const { return damaged_bytes_; }

 private:
  std::string_view left_;
  std::size_t damages_ = 0;
  std::size_t damaged_bytes_ = 0;
};

// Whether this is the head of a file that can be read; else what is wrong, in words.
std::optional<std::string> wrong_head(std::string_view bytes);

}  // namespace pointsman
