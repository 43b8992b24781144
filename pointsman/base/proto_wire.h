#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pointsman {

// The protobuf wire format (protobuf.dev/programming-guides/encoding), for messages read and
// written by the thousand: views in, bytes out, nothing allocated.

enum class ProtoType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct ProtoField {
  std::uint32_t number = 0;
  ProtoType type = ProtoType::varint;
  std::uint64_t value = 0;  // of a varint or fixed field
  std::string_view bytes;   // of a bytes field: string, bytes or message

  bool is(std::uint32_t wanted, ProtoType as) const { return number == wanted && type == as; }
};

// Moves the varint at the front of `from` to `value`; false when there is none.
inline bool take_varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 70 && !from.empty(); shift += 7) {  // at most ten bytes
    const auto byte = static_cast<std::uint8_t>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80U) return true;
  }
  return false;
}

// Walks the fields of one message in their order. Anything malformed ends the walk with ok() false.
class ProtoReader final {
 public:
  explicit ProtoReader(std::string_view message) : left_(message) {}

  // Groups, which no message of ours has, are passed over.
  bool next(ProtoField& field) {
    while (!left_.empty() && ok_) {
      const std::uint64_t tag = varint();
      if ((tag & 7U) != kGroupBegins) return next(tag, field);
      skip_group(tag >> 3U);
    }
    if (!ok_) left_ = {};
    return false;
  }

  bool ok() const { return ok_; }

 private:
  static constexpr std::uint64_t kGroupBegins = 3;
  static constexpr std::uint64_t kGroupEnds = 4;
  static constexpr std::size_t kDeepestGroup = 32;

  bool next(std::uint64_t tag, ProtoField& field) {
    field.number = static_cast<std::uint32_t>(tag >> 3U);
    if (tag > 0xFFFFFFFFU || field.number == 0) ok_ = false;
    switch (tag & 7U) {
      case 0:
        field.type = ProtoType::varint;
        field.value = varint();
        break;
      case 1:
        field.type = ProtoType::fixed64;
        field.value = fixed<std::uint64_t>();
        break;
      case 2:
        field.type = ProtoType::bytes;
        field.bytes = take(varint());
        break;
      case 5:
        field.type = ProtoType::fixed32;
        field.value = fixed<std::uint32_t>();
        break;
      default:
        ok_ = false;
    }
    if (!ok_) left_ = {};
    return ok_;
  }

  // Its first tag has been read.
  void skip_group(std::uint64_t number) {
    std::array<std::uint64_t, kDeepestGroup> open{number};
    std::size_t depth = 1;
    while (ok_ && depth > 0) {
      if (left_.empty()) ok_ = false;
      const std::uint64_t tag = varint();
      ProtoField field;
      if ((tag & 7U) == kGroupBegins) {
        if (depth == open.size()) {
          ok_ = false;
        } else {
          open.at(depth++) = tag >> 3U;
        }
      } else if ((tag & 7U) == kGroupEnds) {
        ok_ = ok_ && open.at(--depth) == tag >> 3U;
      } else {
        next(tag, field);
      }
    }
    ok_ = ok_ && number != 0;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    if (!take_varint(left_, value)) ok_ = false;
    return ok_ ? value : 0;
  }

  std::string_view take(std::uint64_t n) {
    if (n > left_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view bytes = left_.substr(0, n);
    left_.remove_prefix(n);
    return bytes;
  }

  template <typename T>
  std::uint64_t fixed() {
    static_assert(std::endian::native == std::endian::little);
    T value = 0;
    const std::string_view bytes = take(sizeof(T));
    if (ok_) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  std::string_view left_;
  bool ok_ = true;
};

// Walks the numbers of a packed field.
class ProtoVarints final {
 public:
  explicit ProtoVarints(std::string_view packed) : left_(packed) {}

  bool next(std::uint64_t& number) {
    if (left_.empty()) return false;
    ok_ = take_varint(left_, number);
    if (!ok_) left_ = {};
    return ok_;
  }

  bool ok() const { return ok_; }

 private:
  std::string_view left_;
  bool ok_ = true;
};

constexpr std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7;
}

// Bytes of a field with this number and `n` bytes of content, tag and length included.
constexpr std::size_t bytes_field_size(std::uint32_t number, std::size_t n) {
  return varint_size(std::uint64_t{number} << 3U) + varint_size(n) + n;
}

// Measures what a ProtoWriter would write, with the same calls.
class ProtoSizer final {
 public:
  std::size_t size() const { return size_; }

  void value(std::uint32_t number, std::uint64_t v) { size_ += tag_size(number) + varint_size(v); }
  void number(std::uint32_t number, double v) { size_ += tag_size(number) + sizeof v; }
  void bytes(std::uint32_t number, std::string_view content) {
    size_ += bytes_field_size(number, content.size());
  }
  void open(std::uint32_t number, std::size_t n) { size_ += bytes_field_size(number, n) - n; }
  void raw(std::string_view fields) { size_ += fields.size(); }
  template <typename Fill>
  void message(std::uint32_t number, const Fill& fill) {
    ProtoSizer inner;
    fill(inner);
    size_ += bytes_field_size(number, inner.size());
  }

 private:
  static std::size_t tag_size(std::uint32_t number) { return bytes_field_size(number, 0) - 1; }

  std::size_t size_ = 0;
};

// Writes fields one behind the other. REQUIRES: the room was measured before.
class ProtoWriter final {
 public:
  explicit ProtoWriter(char* to) : at_(to) {}

  char* at() const { return at_; }

  void varint(std::uint64_t value) {
    for (; value >= 0x80U; value >>= 7U) *at_++ = static_cast<char>(value | 0x80U);
    *at_++ = static_cast<char>(value);
  }
  void value(std::uint32_t number, std::uint64_t v) {
    tag(number, ProtoType::varint);
    varint(v);
  }
  void number(std::uint32_t number, double v) {
    tag(number, ProtoType::fixed64);
    std::memcpy(at_, &v, sizeof v);
    at_ += sizeof v;
  }
  // The head of a field whose `n` bytes of content the caller writes next.
  void open(std::uint32_t number, std::size_t n) {
    tag(number, ProtoType::bytes);
    varint(n);
  }
  void bytes(std::uint32_t number, std::string_view content) {
    open(number, content.size());
    if (!content.empty()) std::memcpy(at_, content.data(), content.size());
    at_ += content.size();
  }
  // Bytes that are encoded already.
  void raw(std::string_view fields) {
    if (!fields.empty()) std::memcpy(at_, fields.data(), fields.size());
    at_ += fields.size();
  }
  // A message field whose content `fill(out)` writes. It is called twice, once to measure.
  template <typename Fill>
  void message(std::uint32_t number, const Fill& fill) {
    ProtoSizer inner;
    fill(inner);
    open(number, inner.size());
    fill(*this);
  }

 private:
  void tag(std::uint32_t number, ProtoType type) {
    varint((std::uint64_t{number} << 3U) | static_cast<std::uint64_t>(type));
  }

  char* at_;
};

}  // namespace pointsman
