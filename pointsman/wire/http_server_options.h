#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pointsman/wire/byte_budget.h"
#include "pointsman/wire/refusals.h"

namespace pointsman {

struct HttpServerOptions {
  std::size_t head_bytes = 64 * 1024;                        // request line and fields; more: 431
  std::size_t fields = 256;                                  // more: 431
  std::uint64_t body_bytes = 64ULL << 20;                    // more: 413
  std::chrono::nanoseconds idle = std::chrono::seconds(75);  // between two requests
  std::chrono::nanoseconds head_time = std::chrono::seconds(10);    // first byte to end of head
  std::chrono::nanoseconds body_pause = std::chrono::seconds(30);   // between two reads of a body
  std::chrono::nanoseconds write_pause = std::chrono::seconds(60);  // between two writes that wait
  std::chrono::nanoseconds body_time{};  // from the first to the last byte of a body; 0: no limit
  std::size_t high_water = 256 * 1024;   // unsent response bytes at which write() says "wait"
  RefusalCounts* refusals = nullptr;     // counts those of the server itself; outlives it
  // The JSON body of the server's own refusals; null: one line of plain text.
  std::string (*error_body)(int status, std::string_view why) = nullptr;
  // Bytes of request bodies in memory, over all servers that share it; null: no limit. What would
  // go beyond is refused with 503.
  ByteBudget* memory = nullptr;
  // HTTP/2 too: as ALPN says, or when a plain connection begins with it.
  bool http2 = false;
  std::uint32_t streams = 256;  // requests at one time on one HTTP/2 connection
  // Header fields of all requests of one HTTP/2 connection; more: 503. They count as `memory` too,
  // since a few bytes of HTTP/2 can stand for kilobytes of them.
  std::size_t heads_bytes = std::size_t{4} << 20U;
};

}  // namespace pointsman
