#include "pointsman/sim/trace.h"

#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

namespace pointsman {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBlocks = 100'000;  // of one prompt: 51 million tokens
constexpr std::size_t kBlockTokens = 512;
constexpr auto kBucket = std::chrono::milliseconds(3000);

// An unsigned member no larger than 32 bits hold, or nothing.
bool read(const json& object, const char* name, std::uint32_t& out) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return false;
  const auto value = found->get<std::uint64_t>();
  if (value > std::numeric_limits<std::uint32_t>::max()) return false;
  out = static_cast<std::uint32_t>(value);
  return true;
}

bool parse_line(std::string_view line, TraceRequest& out) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return false;
  std::uint32_t milliseconds = 0;
  if (!read(object, "timestamp", milliseconds) ||
      !read(object, "input_length", out.prompt_tokens) ||
      !read(object, "output_length", out.output_tokens)) {
    return false;
  }
  out.arrival = std::chrono::milliseconds(milliseconds);
  const auto ids = object.find("hash_ids");
  if (ids == object.end() || !ids->is_array() || ids->size() > kMaxBlocks) return false;
  if (ids->size() != (out.prompt_tokens + kBlockTokens - 1) / kBlockTokens) return false;
  for (const json& id : *ids) {
    if (!id.is_number_unsigned()) return false;
    out.block_ids.push_back(id.get<std::uint64_t>());
  }
  return out.prompt_tokens > 0 && out.output_tokens > 0;
}

}  // namespace

Result<std::vector<TraceRequest>> parse_trace(std::string_view text, std::size_t limit) {
  std::vector<TraceRequest> requests;
  for (std::size_t line = 1; !text.empty() && requests.size() < limit; ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.empty()) continue;
    TraceRequest request;
    if (!parse_line(content, request)) {
      return fail(
          Code::bad_request,
          "trace line " + std::to_string(line) +
              ": needs timestamp, input_length, output_length and one hash_id per 512 tokens");
    }
    if (!requests.empty() && request.arrival < requests.back().arrival) {
      return fail(Code::bad_request,
                  "trace line " + std::to_string(line) + ": earlier than the line before");
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

Result<std::vector<TraceRequest>> read_trace(const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::io, path + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto requests = parse_trace(text, limit);
  if (!requests) return fail(requests.error().code, path + ": " + requests.error().message);
  return requests;
}

void spread_arrivals(std::vector<TraceRequest>& requests) {
  // Time stamps are off by 1 ms here and there, so a bucket is the nearest multiple.
  const auto bucket = [](const TraceRequest& request) {
    return (request.arrival + kBucket / 2) / kBucket;
  };
  for (std::size_t first = 0; first < requests.size();) {
    std::size_t end = first;
    const auto number = bucket(requests[first]);
    while (end < requests.size() && bucket(requests[end]) == number) ++end;
    for (std::size_t i = first; i < end; ++i) {
      requests[i].arrival =
          number * kBucket + std::chrono::nanoseconds(kBucket) * (i - first) / (end - first);
    }
    first = end;
  }
}

}  // namespace pointsman
