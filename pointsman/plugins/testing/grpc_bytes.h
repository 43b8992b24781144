#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/proto_wire.h"
#include "pointsman/stage/parser.h"

namespace pointsman::testing {

// Bytes written as hex digits, blanks between them.
inline std::string hex(std::string_view digits) {
  std::string out;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high >= 0) out += static_cast<char>(high << 4 | value);
    high = high >= 0 ? -1 : value;
  }
  return out;
}

// A message in its gRPC frame.
inline std::string frame(std::string_view message, char flag = '\0') {
  std::string out(1, flag);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(message.size() >> shift);
  return out.append(message);
}

// Fields of protobuf messages.
inline std::string field(std::uint32_t number, std::string_view content) {
  std::string out(bytes_field_size(number, content.size()), '\0');
  ProtoWriter(out.data()).bytes(number, content);
  return out;
}
inline std::string number(std::uint32_t name, std::uint64_t value) {
  ProtoSizer size;
  size.value(name, value);
  std::string out(size.size(), '\0');
  ProtoWriter(out.data()).value(name, value);
  return out;
}
inline std::string packed(std::uint32_t name, const std::vector<std::uint64_t>& values) {
  std::string content;
  for (const std::uint64_t value : values) {
    std::string one(varint_size(value), '\0');
    ProtoWriter(one.data()).varint(value);
    content += one;
  }
  return field(name, content);
}

// prompt, output, total and cached tokens after the whole response was read; -1: not reported.
inline std::vector<std::int64_t> usage(const Parser& parser, std::uint8_t mode,
                                       const std::vector<std::string>& chunks, bool sse = false) {
  ResponseProgress progress;
  progress.mode = mode;
  for (const std::string& chunk : chunks) parser.read(chunk, sse, false, progress);
  parser.read({}, sse, true, progress);
  const Usage& found = progress.usage;
  return {found.prompt, found.output, found.total, found.cached};
}

// The text as chunks of `size` bytes.
inline std::vector<std::string> cut(std::string_view text, std::size_t size) {
  std::vector<std::string> chunks;
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size()))) {
    chunks.emplace_back(text.substr(0, size));
  }
  return chunks;
}

}  // namespace pointsman::testing
