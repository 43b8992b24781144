#include "pointsman/plugins/parsers/anthropic.h"

#include <array>

#include "pointsman/plugins/parsers/messages_shape.h"
#include "pointsman/plugins/parsers/usage_reader.h"
#include "pointsman/stage/parser_table.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 2> kPaths{"messages", "messages/count_tokens"};
constexpr std::array<std::string_view, 1> kCaps{"max_tokens"};

}  // namespace

std::span<const std::string_view> AnthropicParser::paths() const {
  return kPaths;
}

Result<Parsed> AnthropicParser::parse(std::string_view body, Request& request, Arena& arena) const {
  MessagesShape shape(arena);
  if (path_matches(request.path, "messages/count_tokens")) {
    // Any body passes. One that names its model tells it, so that a rewrite reaches it too.
    auto parsed = read_body(body, kCaps, shape, request, arena);
    if (!parsed) {
      request.model = {};
      parsed = Parsed{};
    }
    parsed->rewritable = !request.model.empty();  // nobody asks for a model here
    parsed->skip_response = true;
    return parsed;
  }
  if (!path_matches(request.path, "messages")) {
    return fail(Code::bad_request, "unsupported API endpoint: " + std::string(request.path));
  }
  auto parsed = read_body(body, kCaps, shape, request, arena);
  if (!parsed) {
    return fail(Code::bad_request, "error unmarshaling request body: " + parsed.error().message);
  }
  const bool given = shape.give(request);
  if (!shape.complaint().empty()) {
    return fail(Code::bad_request, "error parsing messages request: " + shape.complaint());
  }
  if (!given) {
    return fail(Code::bad_request, "invalid messages request: must have at least one message");
  }
  return parsed;
}

void AnthropicParser::read(std::string_view chunk, bool sse, bool end,
                           ResponseProgress& progress) const {
  read_response(ResponseApi::anthropic, chunk, sse, end, progress);
}

}  // namespace pointsman
