#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pointsman {

// Why the wire turns a peer away by itself, before anybody behind it hears of a request.
enum class Refusal : std::uint8_t {
  http1_malformed,
  http1_head_size,
  http1_body_size,
  http1_timeout,  // a peer that is too slow, in sending or in reading
  http2_protocol,
  http2_header_size,
  http2_streams,
  http2_flood,
  grpc_message_size,
  grpc_timeout,
  connections,  // as many as may be are open: the next ones wait in the kernel
  open_files,   // the process may open no more, or the kernel has no memory: they wait too
};

inline constexpr std::array<std::string_view, 12> kRefusalNames{
    "http1_malformed",   "http1_head_size",   "http1_body_size", "http1_timeout",
    "http2_protocol",    "http2_header_size", "http2_streams",   "http2_flood",
    "grpc_message_size", "grpc_timeout",      "connections",     "open_files",
};

// How often each has happened, over all connections that share this.
// Threading: any thread.
class RefusalCounts {
 public:
  void add(Refusal why) {
    counts_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t of(Refusal why) const {
    return counts_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kRefusalNames.size()> counts_{};
};

// Counts it, if anybody wants to know.
inline void count(RefusalCounts* in, Refusal why) {
  if (in != nullptr) in->add(why);
}

}  // namespace pointsman
