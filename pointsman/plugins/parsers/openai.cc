#include "pointsman/plugins/parsers/openai.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "pointsman/plugins/parsers/openai_shapes.h"
#include "pointsman/plugins/parsers/usage_reader.h"
#include "pointsman/stage/parser_table.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 2> kChatCaps{"max_completion_tokens", "max_tokens"};
constexpr std::array<std::string_view, 1> kCompletionCaps{"max_tokens"};
constexpr std::array<std::string_view, 1> kResponsesCaps{"max_output_tokens"};

enum class Api : std::uint8_t { conversations, responses, chat, completions, embeddings, images };

struct Route {
  std::string_view suffix;
  Api api;
};
constexpr std::array<Route, 8> kRoutes{{{"conversations", Api::conversations},
                                        {"responses", Api::responses},
                                        {"chat/completions", Api::chat},
                                        {"chat/completions/render", Api::chat},
                                        {"completions", Api::completions},
                                        {"completions/render", Api::completions},
                                        {"embeddings", Api::embeddings},
                                        {"images/generations", Api::images}}};

Api api_of(std::string_view path) {
  const auto route = std::ranges::find_if(
      kRoutes, [path](const Route& r) { return path_matches(path, r.suffix); });
  return route == kRoutes.end() ? Api::completions : route->api;
}

// Reads the body as `shape`; `lack` is the answer to a body that the API cannot do with.
Result<Parsed> read_as(BodyShape&& shape, std::span<const std::string_view> caps,
                       std::string_view lack, std::string_view body, Request& request,
                       Arena& arena) {
  auto parsed = read_body(body, caps, shape, request, arena);
  if (!parsed) {
    return fail(Code::bad_request, "error unmarshaling request bodyMap: " + parsed.error().message);
  }
  if (!shape.give(request) || !shape.complaint().empty()) {
    return fail(Code::bad_request, std::string(lack));
  }
  return parsed;
}

}  // namespace

Result<Parsed> parse_openai(std::string_view body, Request& request, Arena& arena) {
  switch (api_of(request.path)) {
    case Api::conversations:
      return read_as(ConversationsShape(arena), {},
                     "invalid conversations request: must have items field", body, request, arena);
    case Api::responses:
      return read_as(ResponsesShape(arena), kResponsesCaps,
                     "invalid responses request: must have input field", body, request, arena);
    case Api::chat:
      return read_as(ChatShape(arena), kChatCaps,
                     "invalid chat completions request: must have valid messages field", body,
                     request, arena);
    case Api::completions:
      break;
    case Api::embeddings:
      return read_as(EmbeddingsShape(arena), {},
                     "invalid embeddings request: must have input field", body, request, arena);
    case Api::images:
      return read_as(ImagesShape(arena), {},
                     "invalid images generations request: must have prompt field", body, request,
                     arena);
  }
  return read_as(CompletionsShape(arena), kCompletionCaps,
                 "invalid completions request: must have prompt field", body, request, arena);
}

void OpenAiParser::read(std::string_view chunk, bool sse, bool end,
                        ResponseProgress& progress) const {
  read_response(ResponseApi::openai, chunk, sse, end, progress);
}

}  // namespace pointsman
