// Fuzz target: any bytes as an answer of a model server, whole or streamed, of any API. What is
// read must not depend on where the bytes were cut, and little is kept of them.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pointsman/base/bug.h"
#include "pointsman/plugins/parsers/usage_reader.h"
#include "pointsman/plugins/testing/parser_fuzz.h"

namespace pointsman {
namespace {

using Seen = std::array<std::int64_t, 5>;

Seen read(ResponseApi api, bool sse, std::string_view text, std::size_t piece) {
  ResponseProgress progress;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    read_response(api, text.substr(0, piece), sse, false, progress);
    if (progress.carry.size() > ResponseProgress::kMaxCarry) bug("too much is kept");
  }
  read_response(api, {}, sse, true, progress);
  const Usage& usage = progress.usage;
  return {usage.prompt, usage.output, usage.total, usage.cached,
          static_cast<std::int64_t>(progress.events)};
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool sse = (data[0] & 2U) != 0;
  if (sse && testing::has_lone_event(text)) return 0;
  const auto api = (data[0] & 4U) != 0   ? ResponseApi::sglang
                   : (data[0] & 1U) != 0 ? ResponseApi::openai
                                         : ResponseApi::anthropic;
  const Seen whole = read(api, sse, text, text.size() + 1);
  if (read(api, sse, text, 1) != whole || read(api, sse, text, 1 + data[0] / 4U) != whole) {
    bug("what was read depends on the pieces");
  }
  return 0;
}
