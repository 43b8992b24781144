#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pointsman/model/request.h"

namespace pointsman {

inline constexpr std::size_t kTokenBytes = 4;

// How many tokens of 4 bytes the prompt has; a rest counts as one. Takes a step per part, not per
// byte. Images, audio and video must have been resolved; they count nothing.
std::int64_t token_count(const Prompt& prompt);

// Gives the byte stream of a prompt (spec/05 section 3.6) block by block, without writing it down:
// plain text is shown where it stands, escaped text is unescaped into a buffer of one block.
//
// Threading: one owner.
class TokenStream {
 public:
  // Bytes the buffer needs beyond one block.
  static constexpr std::size_t kSlack = 64;
  // A good size of the buffer for small blocks: what was unescaped should have reached the cache
  // before it is read again.
  static constexpr std::size_t kBuffer = 4096;

  // REQUIRES: block_bytes is a positive multiple of 4; buffer.size() >= block_bytes + kSlack.
  // The prompt and the buffer outlive this.
  TokenStream(const Prompt& prompt, std::size_t block_bytes, std::span<char> buffer)
      : parts_(prompt.parts),
        block_bytes_(block_bytes),
        buffer_(buffer),
        full_((buffer.size() - kSlack) / block_bytes * block_bytes) {}

  // The next block_bytes bytes; fewer, padded with zeros to a multiple of 4, when the prompt ends;
  // then nothing. Valid until the next call.
  std::string_view next();

 private:
  void fill();
  bool take_part();
  void copy();
  void unescape();
  void repeat();

  std::span<const PromptPart> parts_;
  std::size_t block_bytes_;
  std::span<char> buffer_;
  std::size_t full_;        // bytes of whole blocks that the buffer has room for
  std::size_t filled_ = 0;  // bytes in the buffer
  std::size_t shown_ = 0;   // bytes of it that have been given out
  PromptPart::Kind kind_ = PromptPart::Kind::text;  // of the current part
  std::string_view rest_;                           // of the current part
  std::uint32_t token_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace pointsman
