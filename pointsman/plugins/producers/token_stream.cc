#include "pointsman/plugins/producers/token_stream.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>

#include "pointsman/base/json_escape.h"
#include "pointsman/base/utf8.h"

namespace pointsman {
namespace {

// Token ids are shown as they stand in memory.
static_assert(std::endian::native == std::endian::little);

using Kind = PromptPart::Kind;

constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kTokenBytes - 1) / kTokenBytes * kTokenBytes;
}

#ifdef __SSE2__
constexpr std::size_t kStep = 16;

// Copies kStep bytes and returns how many of them stand before the first backslash.
std::size_t copy_step(const char* from, char* to) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  return mask == 0 ? kStep
                   : static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(mask)));
}
#else
constexpr std::size_t kStep = 8;

std::size_t copy_step(const char* from, char* to) {
  std::memcpy(to, from, kStep);
  return static_cast<std::size_t>(std::find(from, from + kStep, '\\') - from);
}
#endif

// What one step and one character may write beyond a full block.
static_assert(TokenStream::kSlack >= kStep + 4);

}  // namespace

std::int64_t token_count(const Prompt& prompt) {
  std::size_t bytes = 0;
  for (const PromptPart& part : prompt.parts) {
    switch (part.kind) {
      case Kind::text:
      case Kind::escaped:
        bytes += part.size;
        break;
      case Kind::tokens:
        bytes += part.tokens.size_bytes();
        break;
      case Kind::repeat:
        bytes = aligned(bytes) + std::size_t{part.count} * kTokenBytes;
        break;
      case Kind::image:
      case Kind::audio:
      case Kind::video:
        break;
    }
  }
  return static_cast<std::int64_t>(aligned(bytes) / kTokenBytes);
}

std::string_view TokenStream::next() {
  if (filled_ - shown_ < block_bytes_) {
    filled_ -= shown_;
    std::memmove(buffer_.data(), buffer_.data() + shown_, filled_);
    shown_ = 0;
    if (filled_ == 0 && rest_.empty() && count_ == 0) take_part();
    if (filled_ == 0 && kind_ == Kind::text && rest_.size() >= block_bytes_) {
      const std::string_view block = rest_.substr(0, block_bytes_);
      rest_.remove_prefix(block_bytes_);
      return block;
    }
    fill();
  }
  const std::size_t size = std::min(filled_ - shown_, block_bytes_);
  const std::string_view block(buffer_.data() + shown_, size);
  shown_ += size;
  return block;
}

// Fills the buffer: up to a block from plain text, which need not be copied, to the brim from the
// rest. Pads the end of the prompt.
void TokenStream::fill() {
  while (filled_ < full_) {
    if (rest_.empty() && count_ == 0) {
      if (take_part()) continue;
      const std::size_t padded = aligned(filled_);
      std::fill(buffer_.data() + filled_, buffer_.data() + padded, '\0');
      filled_ = padded;
      return;
    }
    if (kind_ == Kind::repeat) {
      repeat();
    } else if (kind_ == Kind::escaped) {
      unescape();
    } else {
      if (filled_ % block_bytes_ == 0 && filled_ > 0) return;
      copy();
    }
  }
}

// Starts the next part; false when there is none.
bool TokenStream::take_part() {
  if (parts_.empty()) return false;
  const PromptPart& part = parts_.front();
  parts_ = parts_.subspan(1);
  kind_ = part.kind;
  switch (part.kind) {
    case Kind::text:
    case Kind::escaped:
      rest_ = part.bytes;
      break;
    case Kind::tokens:
      kind_ = Kind::text;
      rest_ = {reinterpret_cast<const char*>(part.tokens.data()), part.tokens.size_bytes()};
      break;
    case Kind::repeat: {
      // Blocks are multiples of 4 bytes, so the buffer's fill tells the alignment.
      const std::size_t start = aligned(filled_);
      std::fill(buffer_.data() + filled_, buffer_.data() + start, '\0');
      filled_ = start;
      token_ = part.token;
      count_ = part.count;
      break;
    }
    case Kind::image:
    case Kind::audio:
    case Kind::video:
      break;
  }
  return true;
}

void TokenStream::copy() {
  const std::size_t size = std::min(rest_.size(), block_bytes_ - filled_ % block_bytes_);
  std::memcpy(buffer_.data() + filled_, rest_.data(), size);
  filled_ += size;
  rest_.remove_prefix(size);
}

void TokenStream::unescape() {
  const char* from = rest_.data();
  const char* const end = from + rest_.size();
  char* to = buffer_.data() + filled_;
  const char* const full = buffer_.data() + full_;
  while (to < full && from != end) {
    if (end - from >= static_cast<std::ptrdiff_t>(kStep)) {
      const std::size_t plain = copy_step(from, to);
      from += plain;
      to += plain;
      if (plain == kStep) continue;
    } else if (*from != '\\') {
      *to++ = *from++;
      continue;
    }
    if (const char plain = kPlainEscapes[static_cast<unsigned char>(from[1])]; plain != '\0') {
      *to++ = plain;
      from += 2;
      continue;
    }
    const JsonEscape escape = read_escape({from, static_cast<std::size_t>(end - from)});
    from += escape.length;
    to = write_utf8(escape.point, to);
  }
  filled_ = static_cast<std::size_t>(to - buffer_.data());
  rest_.remove_prefix(static_cast<std::size_t>(from - rest_.data()));
}

void TokenStream::repeat() {
  for (; filled_ < full_ && count_ > 0; --count_) {
    std::memcpy(buffer_.data() + filled_, &token_, kTokenBytes);
    filled_ += kTokenBytes;
  }
}

}  // namespace pointsman
