#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/stage/parser.h"

namespace pointsman {

// Flag and length in front of a gRPC message
// (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message).
inline constexpr std::size_t kGrpcHeader = 5;

struct GrpcHeader {
  bool compressed = false;
  std::uint32_t size = 0;  // of the message that follows
};

// REQUIRES: at least kGrpcHeader bytes.
GrpcHeader grpc_header(std::string_view frame);

// The first message of a request body; what follows it is not looked at. Its errors are those of
// spec/03 section 8.6.
Result<std::string_view> grpc_message(std::string_view body);

// Reads the next piece of a response made of gRPC frames: calls take(message) for each message that
// ends in it. Frames may be cut anywhere. Compressed messages, and those longer than
// ResponseProgress::kMaxCarry, are passed over and mark the progress as overflowed.
template <typename Take>
void read_grpc_frames(std::string_view chunk, ResponseProgress& progress, const Take& take) {
  std::string& frame = progress.frame;
  while (!chunk.empty()) {
    if (progress.frame_left > 0) {
      const std::size_t passed = std::min<std::size_t>(progress.frame_left, chunk.size());
      chunk.remove_prefix(passed);
      progress.frame_left -= static_cast<std::uint32_t>(passed);
      continue;
    }
    // The header first, then what it announces.
    std::size_t wanted = kGrpcHeader;
    if (frame.size() >= kGrpcHeader) wanted += grpc_header(frame).size;
    const std::size_t more = std::min(wanted - frame.size(), chunk.size());
    frame.append(chunk.substr(0, more));
    chunk.remove_prefix(more);
    if (frame.size() < kGrpcHeader) return;
    const GrpcHeader header = grpc_header(frame);
    if (header.compressed || header.size > ResponseProgress::kMaxCarry) {
      progress.overflowed = true;
      progress.frame_left = header.size;
      frame.clear();
    } else if (frame.size() == kGrpcHeader + header.size) {
      take(std::string_view(frame).substr(kGrpcHeader));
      frame.clear();
    }
  }
}

}  // namespace pointsman
