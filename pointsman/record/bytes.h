#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/clock.h"

namespace pointsman {

static_assert(std::endian::native == std::endian::little, "records are written as they lie here");

// Appends little-endian values to a text that keeps its memory.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(&out) {}

  void u8(std::uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) { raw(&value, sizeof(value)); }
  void u64(std::uint64_t value) { raw(&value, sizeof(value)); }
  void f32(float value) { raw(&value, sizeof(value)); }
  void f64(double value) { raw(&value, sizeof(value)); }
  // LEB128: seven bits a byte, the lowest first.
  void varint(std::uint64_t value) {
    while (value >= 128) {
      u8(static_cast<std::uint8_t>(value | 128U));
      value >>= 7U;
    }
    u8(static_cast<std::uint8_t>(value));
  }
  // Small numbers of either sign are short: 0, -1, 1, -2 ...
  void zigzag(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63U));
  }
  // A moment, as its distance from another one.
  void distance(Clock::time_point at, Clock::time_point from) { zigzag((at - from).count()); }
  // Length, then bytes.
  void text(std::string_view text) {
    varint(text.size());
    out_->append(text);
  }
  void raw(const void* from, std::size_t bytes) {
    out_->append(static_cast<const char*>(from), bytes);
  }

 private:
  std::string* out_;
};

// Reads them back. The first value that is not there, or not plausible, makes everything after it
// zero and ok() false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  // Everything was read, and was plausible.
  bool done() const { return ok_ && left_.empty(); }
  std::size_t left() const { return left_.size(); }
  void refuse() {
    ok_ = false;
    left_ = {};
  }

  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  float f32() { return fixed<float>(); }
  double f64() { return fixed<double>(); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = u8();
      value |= static_cast<std::uint64_t>(byte & 127U) << shift;
      if (byte < 128) return value;
    }
    refuse();
    return 0;
  }
  std::int64_t zigzag() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1));
  }
  // Damaged bytes may ask for any distance.
  Clock::time_point moment(Clock::time_point from) {
    const auto start = static_cast<std::uint64_t>(from.time_since_epoch().count());
    const std::uint64_t sum = start + static_cast<std::uint64_t>(zigzag());
    return Clock::time_point(Clock::duration(static_cast<std::int64_t>(sum)));
  }
  // A varint that says how many things follow, each of at least `bytes_each` bytes.
  std::size_t count(std::size_t most, std::size_t bytes_each = 1) {
    const std::uint64_t value = varint();
    if (value > most || value * bytes_each > left_.size()) {
      refuse();
      return 0;
    }
    return static_cast<std::size_t>(value);
  }
  // A varint below `bound`.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t value = varint();
    if (value >= bound) refuse();
    return ok_ ? value : 0;
  }
  std::string_view text(std::size_t most) { return bytes(count(most)); }
  std::string_view bytes(std::size_t size) {
    if (size > left_.size()) refuse();
    const std::string_view out = left_.substr(0, ok_ ? size : 0);
    left_.remove_prefix(out.size());
    return out;
  }

 private:
  template <typename T>
  T fixed() {
    T value{};
    const std::string_view from = bytes(sizeof(T));
    if (from.size() == sizeof(T)) std::memcpy(&value, from.data(), sizeof(T));
    return value;
  }

  std::string_view left_;
  bool ok_ = true;
};

// The hash of a row of scores or totals, over the exact bits of every value in order; all NaN
// count as one. For records, not against forgery (docs/decision-record.md has the formula).
std::uint64_t hash_row(std::span<const double> row);

// The check of a frame: the low half of the same hash over its kind, size and bytes.
std::uint32_t frame_check(std::uint8_t kind, std::string_view payload);

}  // namespace pointsman
