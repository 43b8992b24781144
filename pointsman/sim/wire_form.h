#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/sim/server_model.h"
#include "pointsman/sim/trace.h"

namespace pointsman {

// How requests of the timing model travel over HTTP (spec/11 section 1, "Wire form"). A block of
// 512 model tokens is 256 bytes of text (or 2,048, as long as real text would be), the same for the
// same block id; the last block is cut to length. Routers and `usage` count wire tokens, four bytes
// each, so a block is 64 of them (or 512).
//
// Behind the text a tag such as `<|output=343|>` says how many tokens the answer has. Only the
// simulator reads it: a real engine finds that out by generating, and a router does not know it.
struct WireForm {
  std::uint32_t block_bytes = 256;

  static constexpr std::uint32_t kTokenBytes = 4;
  static constexpr std::uint32_t kModelTokens = 512;  // of a block
  static constexpr WireForm real_size() { return {.block_bytes = 2048}; }

  std::uint32_t block_size() const { return block_bytes / kTokenBytes; }  // wire tokens
};

// The prompt of a recorded request, with its output tag.
std::string prompt_text(const TraceRequest& request, WireForm form);

std::string output_tag(std::uint32_t tokens);

// Removes the tag at the end of `text`, if there is a well-formed one, and gives its number.
std::optional<std::uint32_t> take_output_tag(std::string_view& text);

// Turns the text of a prompt, in pieces, into what the timing model knows of it. Equal prefixes
// give equal block hashes; the same text for another model or in another role does not.
class PromptMeter {
 public:
  // `model` is a name that separates caches, such as a LoRA adapter's.
  PromptMeter(WireForm form, std::string_view model);

  // Starts a message. Roles tell prompts apart, but count no tokens.
  void role(std::string_view name);
  void text(std::string_view piece);

  std::uint32_t wire_tokens() const;  // rounded up

  // The prompt so far. Its tokens are saturated at 2^32 - 1.
  ModelRequest request(std::uint32_t output_tokens) &&;

 private:
  void mix(std::string_view bytes);

  WireForm form_;
  std::uint64_t hash_;  // of everything so far, hence chained
  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> blocks_;
};

}  // namespace pointsman
