#include "pointsman/plugins/producers/base64.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pointsman {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string_view base64_encode(std::string_view bytes, Arena& arena) {
  const auto out = arena.array<char>((bytes.size() + 2) / 3 * 4);
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out[at++] = j <= count ? kAlphabet[group >> (18U - 6U * j) & 63U] : '=';
    }
  }
  return {out.data(), out.size()};
}

std::optional<std::string_view> base64_decode(std::string_view text, Arena& arena) {
  if (text.size() % 4 != 0) return std::nullopt;
  const auto out = arena.array<char>(text.size() / 4 * 3);
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pad = i >= text.size() - padding;
    const std::size_t digit = pad ? 0 : kAlphabet.find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    group = group << 6U | static_cast<std::uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (std::size_t j = 0; j < 3; ++j) {
      out[i / 4 * 3 + j] = static_cast<char>(group >> (16U - 8U * j) & 255U);
    }
    group = 0;
  }
  return std::string_view(out.data(), out.size() - padding);
}

}  // namespace pointsman
