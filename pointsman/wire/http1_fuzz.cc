// Fuzz target: any bytes as HTTP/1.1 requests, answers and chunked bodies. What is read must not
// depend on where the bytes were cut, and what is accepted must be unambiguous.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/bug.h"
#include "pointsman/wire/http1.h"

namespace pointsman {
namespace {

constexpr HeadLimits kLimits{512, 8};

// The heads found, and "!" where one was refused.
std::vector<std::string> heads(std::string_view text, std::size_t piece) {
  HeadScanner scanner(kLimits.bytes);
  std::vector<std::string> out;
  std::string held;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    held += text.substr(at, piece);
    std::string_view input = held;
    while (true) {
      const auto head = scanner.take(input);
      if (!head) {
        out.emplace_back("!");
        return out;
      }
      if (head->empty()) break;
      out.emplace_back(*head);
    }
    held = input;
  }
  return out;
}

// The body, with "!" behind it if it was refused, "." if it is complete.
std::string body(std::string_view text, std::size_t piece) {
  ChunkDecoder decoder;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    std::string_view input = text.substr(at, piece);
    while (!input.empty() && !decoder.done()) {
      const auto data = decoder.take(input);
      if (!data) return out + '!';
      out += *data;
    }
  }
  return decoder.done() ? out + '.' : out;
}

void check_request(std::string_view text) {
  RequestHead head;
  if (!parse_request_head(text, kLimits, head)) return;
  if (head.fields.size() > kLimits.fields + 1) bug("too many fields");
  if (!head.target.starts_with('/') && head.target != "*") bug("an odd target");
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    if (name.empty() || name.find_first_of(" :\r\n") != std::string_view::npos) bug("a bad name");
    if (value.find_first_of("\r\n") != std::string_view::npos) bug("a value with line ends");
  }
  const auto framing = request_framing(head);
  const bool coded = head.fields.contains("transfer-encoding");
  if (framing && coded && head.fields.contains("content-length")) bug("an ambiguous length");
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = heads(text, text.size() + 1);
  if (heads(text, piece) != whole) bug("heads depend on where the bytes are cut");
  for (const std::string& head : whole) {
    if (head == "!") continue;
    check_request(head);
    ResponseHead response;
    if (parse_response_head(head, kLimits, response)) (void)response_framing(response, "GET");
  }
  if (body(text, piece) != body(text, text.size() + 1)) bug("bodies depend on where they are cut");
  return 0;
}
