#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/model/request.h"

namespace pointsman {

// XXH64 with seed 0.
std::uint64_t xxh64(std::string_view bytes);

// Where the chains of a model begin: prompts of two models, or under two salts, share no hash.
std::uint64_t prefix_root(std::string_view model, std::string_view salt);

// One hash per block of `block_tokens` tokens of the prompt, each made from its block and the hash
// before it (spec/05 section 2.3), so that equal hashes mean equal prompts up to there. The last
// block may be partial. At most `max_blocks`; lives in `arena`.
// REQUIRES: block_tokens > 0.
std::span<const std::uint64_t> prefix_hashes(std::uint64_t root, const Prompt& prompt,
                                             std::size_t block_tokens, std::size_t max_blocks,
                                             Arena& arena);

}  // namespace pointsman
