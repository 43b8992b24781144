#include "pointsman/plugins/producers/prefix_hash.h"

#include <algorithm>
#include <array>
#include <xxhash.h>

#include "pointsman/plugins/producers/token_stream.h"

namespace pointsman {

std::uint64_t xxh64(std::string_view bytes) {
  return XXH64(bytes.data(), bytes.size(), 0);
}

std::uint64_t prefix_root(std::string_view model, std::string_view salt) {
  XXH64_state_t state;
  XXH64_reset(&state, 0);
  XXH64_update(&state, model.data(), model.size());
  XXH64_update(&state, salt.data(), salt.size());
  return XXH64_digest(&state);
}

std::span<const std::uint64_t> prefix_hashes(std::uint64_t root, const Prompt& prompt,
                                             std::size_t block_tokens, std::size_t max_blocks,
                                             Arena& arena) {
  const auto tokens = static_cast<std::size_t>(token_count(prompt));
  const std::size_t blocks = std::min((tokens + block_tokens - 1) / block_tokens, max_blocks);
  const auto hashes = arena.array<std::uint64_t>(blocks);
  // A block longer than the prompt needs no more room than the prompt.
  const std::size_t block_bytes =
      std::min(block_tokens, std::max<std::size_t>(tokens, 1)) * kTokenBytes;
  // Not cleared: it is written before it is read.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  std::array<char, TokenStream::kBuffer + TokenStream::kSlack> small;
  std::span<char> buffer = small;
  if (block_bytes > TokenStream::kBuffer) {
    const std::size_t room = block_bytes + TokenStream::kSlack;
    buffer = {static_cast<char*>(arena.allocate(room, 8)), room};
  }
  TokenStream stream(prompt, block_bytes, buffer);
  std::uint64_t before = root;
  for (std::uint64_t& hash : hashes) {
    const std::array<std::uint64_t, 2> link{xxh64(stream.next()), before};
    hash = before = XXH64(link.data(), sizeof link, 0);
  }
  return hashes;
}

}  // namespace pointsman
