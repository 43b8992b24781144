#include <array>
#include <cstddef>

#include "pointsman/plugins/producers/media_estimate.h"

namespace pointsman {
namespace {

// How far into an image the search for its size goes: metadata in front of it can be large.
constexpr std::size_t kMaxImageBytes = std::size_t{256} * 1024;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

// Decodes base64 byte by byte, so that nothing but the head of an image is decoded.
class Base64Bytes {
 public:
  explicit Base64Bytes(std::string_view text) : text_(text) {}

  // The next byte; -1 at the end or at what is no base64.
  int next() {
    while (bits_ < 8) {
      if (text_.empty() || taken_ == kMaxImageBytes) return -1;
      const int value = base64_value(text_.front());
      if (value < 0) return -1;
      text_.remove_prefix(1);
      buffer_ = (buffer_ << 6U) | static_cast<unsigned>(value);
      bits_ += 6;
    }
    bits_ -= 8;
    ++taken_;
    return static_cast<int>((buffer_ >> bits_) & 0xFFU);
  }

  // The next two or four bytes as a number, the highest first; -1 at the end.
  std::int64_t number(int bytes) {
    std::int64_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      const int byte = next();
      if (byte < 0) return -1;
      value = value * 256 + byte;
    }
    return value;
  }

  bool skip(std::int64_t bytes) {
    for (; bytes > 0; --bytes) {
      if (next() < 0) return false;
    }
    return bytes == 0;
  }

 private:
  std::string_view text_;
  unsigned buffer_ = 0;
  unsigned bits_ = 0;
  std::size_t taken_ = 0;
};

std::optional<Resolution> resolution(std::int64_t width, std::int64_t height) {
  constexpr std::int64_t kMost = 1 << 20U;
  if (width <= 0 || height <= 0 || width > kMost || height > kMost) return std::nullopt;
  return Resolution{static_cast<int>(width), static_cast<int>(height)};
}

// PNG (RFC 2083): an 8-byte signature, then the IHDR chunk with width and height.
std::optional<Resolution> png(Base64Bytes bytes) {
  if (bytes.number(4) != 0x89504E47 || !bytes.skip(12)) return std::nullopt;
  const std::int64_t width = bytes.number(4);
  return resolution(width, bytes.number(4));
}

// GIF: "GIF8", two bytes of version, then width and height, low byte first.
std::optional<Resolution> gif(Base64Bytes bytes) {
  if (bytes.number(4) != 0x47494638 || !bytes.skip(2)) return std::nullopt;
  std::array<std::int64_t, 4> b{};
  for (std::int64_t& byte : b) byte = bytes.number(1);
  if (b[3] < 0) return std::nullopt;
  return resolution(b[0] + 256 * b[1], b[2] + 256 * b[3]);
}

// JPEG (ITU T.81): segments up to the first start of frame, which has height and width.
std::optional<Resolution> jpeg(Base64Bytes bytes) {
  if (bytes.number(2) != 0xFFD8) return std::nullopt;
  while (true) {
    int byte = bytes.next();
    if (byte != 0xFF) return std::nullopt;
    while (byte == 0xFF) byte = bytes.next();  // fill bytes
    const bool frame = byte >= 0xC0 && byte <= 0xCF && byte != 0xC4 && byte != 0xC8 && byte != 0xCC;
    const std::int64_t length = bytes.number(2);
    if (byte < 0 || length < 2) return std::nullopt;
    if (!frame) {
      if (!bytes.skip(length - 2)) return std::nullopt;
      continue;
    }
    bytes.next();  // sample precision
    const std::int64_t height = bytes.number(2);
    return resolution(bytes.number(2), height);
  }
}

}  // namespace

std::optional<Resolution> image_resolution(std::string_view content) {
  constexpr std::string_view kBase64 = ";base64,";
  if (content.starts_with("data:image/")) {
    const std::size_t comma = content.substr(0, 100).find(kBase64);
    if (comma == std::string_view::npos) return std::nullopt;
    content.remove_prefix(comma + kBase64.size());
  }
  const Base64Bytes bytes(content);
  if (const auto found = png(bytes)) return found;
  if (const auto found = gif(bytes)) return found;
  return jpeg(bytes);
}

}  // namespace pointsman
