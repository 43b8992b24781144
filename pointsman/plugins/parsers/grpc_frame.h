#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/base/grpc_prefix.h"
#include "pointsman/base/result.h"
#include "pointsman/stage/parser.h"

namespace pointsman {

// The first message of a request body; what follows it is not looked at. One that is compressed as
// the request's grpc-encoding says (gzip only) is decompressed into the arena.
// Its errors are those of spec/03 section 8.6, and bad_request, too_large: of what is compressed;
// bad_request: a flag that gRPC does not know.
Result<std::string_view> grpc_message(std::string_view body, const Request& request, Arena& arena);

// What is said of a message of that type whose bytes are no protobuf.
Error malformed_message(std::string_view type);

// The last field of that number that is bytes; `found` says whether there is one. False: malformed.
bool find_bytes(std::string_view message, std::uint32_t number,
                std::optional<std::string_view>& found);

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
    // The prefix first, then what it announces.
    std::size_t wanted = GrpcPrefix::kBytes;
    if (frame.size() >= GrpcPrefix::kBytes) wanted += GrpcPrefix::of(frame).size;
    const std::size_t more = std::min(wanted - frame.size(), chunk.size());
    frame.append(chunk.substr(0, more));
    chunk.remove_prefix(more);
    if (frame.size() < GrpcPrefix::kBytes) return;
    const GrpcPrefix prefix = GrpcPrefix::of(frame);
    if (prefix.flag != 0 || prefix.size > ResponseProgress::kMaxCarry) {
      progress.overflowed = true;
      progress.frame_left = prefix.size;
      frame.clear();
    } else if (frame.size() == GrpcPrefix::kBytes + prefix.size) {
      take(std::string_view(frame).substr(GrpcPrefix::kBytes));
      frame.clear();
    }
  }
}

}  // namespace pointsman
