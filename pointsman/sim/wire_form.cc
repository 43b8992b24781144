#include "pointsman/sim/wire_form.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

constexpr std::string_view kTagBegin = "<|output=";
constexpr std::string_view kTagEnd = "|>";

std::uint64_t divided_up(std::uint64_t value, std::uint64_t by) {
  return (value + by - 1) / by;
}

std::uint32_t saturated(std::uint64_t value) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

// Appends `length` bytes of made-up words that depend on `id` alone.
void append_block(std::string& out, std::uint64_t id, std::size_t length) {
  constexpr std::string_view kConsonants = "bdfghklmnprstvwz";
  constexpr std::string_view kVowels = "aeio";
  Random random(id);
  const std::size_t end = out.size() + length;
  while (out.size() < end) {
    std::uint64_t bits = random.next();
    for (std::uint64_t syllables = 1 + bits % 4; syllables > 0; --syllables) {
      bits >>= 6U;
      out += kConsonants[bits & 15U];
      out += kVowels[(bits >> 4U) & 3U];
    }
    out += ' ';
  }
  out.resize(end);
}

}  // namespace

std::string prompt_text(const TraceRequest& request, WireForm form) {
  const std::uint64_t length =
      divided_up(std::uint64_t{request.prompt_tokens} * form.block_bytes, WireForm::kModelTokens);
  std::string text;
  for (const std::uint64_t id : request.block_ids) {
    append_block(text, id, std::min<std::size_t>(form.block_bytes, length - text.size()));
  }
  return text + output_tag(request.output_tokens);
}

std::string output_tag(std::uint32_t tokens) {
  return std::string(kTagBegin) + std::to_string(tokens) + std::string(kTagEnd);
}

std::optional<std::uint32_t> take_output_tag(std::string_view& text) {
  const std::size_t begin = text.rfind(kTagBegin);
  if (begin == std::string_view::npos || !text.ends_with(kTagEnd)) return std::nullopt;
  const std::string_view digits = text.substr(
      begin + kTagBegin.size(), text.size() - kTagEnd.size() - begin - kTagBegin.size());
  std::uint32_t tokens = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), tokens);
  if (error != std::errc() || end != digits.end() || tokens == 0) return std::nullopt;
  text = text.substr(0, begin);
  return tokens;
}

PromptMeter::PromptMeter(WireForm form, std::string_view model)
    : form_(form), hash_(0xCBF29CE484222325U) {
  role(model);
}

// FNV-1a, 64 bit.
void PromptMeter::mix(std::string_view bytes) {
  for (const char byte : bytes) {
    hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
  }
}

void PromptMeter::role(std::string_view name) {
  mix(name);
  mix(std::string_view("\0", 1));  // so that a role never runs into the text behind it
}

void PromptMeter::text(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t left = form_.block_bytes - bytes_ % form_.block_bytes;
    const std::string_view part = piece.substr(0, left);
    mix(part);
    bytes_ += part.size();
    piece.remove_prefix(part.size());
    if (bytes_ % form_.block_bytes == 0) blocks_.push_back(hash_);
  }
}

std::uint32_t PromptMeter::wire_tokens() const {
  return saturated(divided_up(bytes_, WireForm::kTokenBytes));
}

ModelRequest PromptMeter::request(std::uint32_t output_tokens) && {
  return {
      .blocks = std::move(blocks_),
      .prompt_tokens = saturated(divided_up(bytes_ * WireForm::kModelTokens, form_.block_bytes)),
      .output_tokens = output_tokens};
}

}  // namespace pointsman
