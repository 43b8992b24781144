#include <cstdint>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "pointsman/plugins/parsers/openai.h"
#include "pointsman/plugins/parsers/usage_reader.h"
#include "pointsman/plugins/producers/prefix_hash.h"
#include "pointsman/plugins/producers/token_stream.h"

namespace pointsman {
namespace {

constexpr std::size_t kBlockTokens = 64;

// A conversation of about `bytes` bytes. `line`: what its messages repeat, as JSON text.
std::string conversation(std::size_t bytes, std::string_view line) {
  std::string body = R"({"model":"llama","stream":true,"max_tokens":100,"messages":[)";
  while (body.size() < bytes) {
    if (body.back() == '}') body += ',';
    body += R"({"role":"user","content":")";
    for (std::size_t size = 0; size < 4000 && body.size() < bytes; size += line.size())
      body += line;
    body += "\"}";
  }
  return body + "]}";
}

constexpr std::string_view kProse =
    "The quick brown fox jumps over the lazy dog, again and again\\n";
constexpr std::string_view kCode = "if (x == \\\"y\\\") { return;\\n\\t}";

// Reads the body; false when that fails or finds nothing.
bool parse(std::string_view body, Request& request, Arena& arena) {
  request.path = "/v1/chat/completions";
  return parse_openai(body, request, arena).has_value() && request.stream &&
         request.prompts.size() == 1;
}

void parse_chat(benchmark::State& state, std::string_view line) {
  const std::string body = conversation(static_cast<std::size_t>(state.range(0)), line);
  Arena arena;
  for (auto _ : state) {
    arena.reset();
    Request request;
    if (!parse(body, request, arena)) state.SkipWithError("not read");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}

void hash_chat(benchmark::State& state, std::string_view line) {
  const std::string body = conversation(static_cast<std::size_t>(state.range(0)), line);
  Arena kept;
  Request request;
  if (!parse(body, request, kept)) state.SkipWithError("not read");
  Arena arena;
  std::size_t blocks = 0;
  for (auto _ : state) {
    arena.reset();
    blocks = prefix_hashes(1, request.prompts[0], kBlockTokens, 1U << 20U, arena).size();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
  state.counters["blocks"] = static_cast<double>(blocks);
}

void read_chunk(benchmark::State& state, std::string_view chunk) {
  ResponseProgress progress;
  for (auto _ : state) read_response(ResponseApi::openai, chunk, true, false, progress);
  if (progress.events != static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("events are not counted");
  }
}

constexpr std::string_view kChunk =
    "data: "
    "{\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion.chunk\","
    "\"created\":1763800000,\"model\":\"llama\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
    "\" token\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
constexpr std::string_view kUsageChunk =
    "data: "
    "{\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion.chunk\","
    "\"created\":1763800000,\"model\":\"llama\",\"choices\":[],\"usage\":{\"prompt_tokens\":200,"
    "\"total_tokens\":300,\"completion_tokens\":100}}\n\n";

BENCHMARK_CAPTURE(parse_chat, prose, kProse)->Arg(1'000)->Arg(450'000);
BENCHMARK_CAPTURE(parse_chat, code, kCode)->Arg(450'000);
BENCHMARK_CAPTURE(hash_chat, prose, kProse)->Arg(1'000)->Arg(450'000);
BENCHMARK_CAPTURE(hash_chat, code, kCode)->Arg(450'000);
BENCHMARK_CAPTURE(hash_chat, plain, std::string_view("no escapes in this text at all "))
    ->Arg(450'000);
BENCHMARK_CAPTURE(read_chunk, token, kChunk);
BENCHMARK_CAPTURE(read_chunk, usage, kUsageChunk);

}  // namespace
}  // namespace pointsman
