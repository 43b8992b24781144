#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pointsman {

// What stands in front of every gRPC message: a flag and the length, big endian
// (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message).
struct GrpcPrefix {
  static constexpr std::size_t kBytes = 5;

  std::uint8_t flag = 0;   // 1: compressed; more is reserved
  std::uint32_t size = 0;  // of the message that follows

  // REQUIRES: at least kBytes bytes.
  static constexpr GrpcPrefix of(std::string_view frame) {
    GrpcPrefix prefix{.flag = static_cast<std::uint8_t>(frame[0])};
    for (const char byte : frame.substr(1, kBytes - 1)) {
      prefix.size = prefix.size << 8U | static_cast<std::uint8_t>(byte);
    }
    return prefix;
  }
};

}  // namespace pointsman
