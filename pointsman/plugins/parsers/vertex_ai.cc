#include "pointsman/plugins/parsers/vertex_ai.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "pointsman/base/proto_wire.h"
#include "pointsman/base/text.h"
#include "pointsman/plugins/parsers/grpc_frame.h"
#include "pointsman/plugins/parsers/openai.h"
#include "pointsman/plugins/parsers/usage_reader.h"
#include "pointsman/stage/parser_table.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 3> kPaths{"PredictionService/ChatCompletions",
                                                 "PredictionService/StreamRawPredict",
                                                 "PredictionService/RawPredict"};

// A method, the type of its requests and the path that the JSON would be sent to over HTTP.
struct Method {
  std::string_view path;
  std::string_view type;
  std::string_view openai_path;
};
constexpr std::array<Method, 3> kMethods{
    {{kPaths[0], "ChatCompletionsRequest", "/chat/completions"},
     {kPaths[1], "StreamRawPredictRequest", "/responses"},
     {kPaths[2], "RawPredictRequest", "/responses"}}};

// ResponseProgress::mode: what the data of the response is, once its first bytes are here.
constexpr std::uint8_t kUnknown = 0;
constexpr std::uint8_t kWhole = 1;
constexpr std::uint8_t kEvents = 2;

// `data` of google.api.HttpBody.
constexpr std::uint32_t kData = 2;
// `http_body` of all three requests.
constexpr std::uint32_t kHttpBody = 2;

// Looks for the HttpBody of a request and for its data. One in several pieces is read as one, as
// protobuf wants it. False: malformed.
bool find_data(std::string_view message, bool& has_body, std::optional<std::string_view>& data) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (!field.is(kHttpBody, ProtoType::bytes)) continue;
    has_body = true;
    if (!find_bytes(field.bytes, kData, data)) return false;
  }
  return reader.ok();
}

// The first byte that is not blank tells what the data is, so that it may be cut anywhere.
void read_data(std::string_view data, ResponseProgress& progress) {
  if (progress.mode == kUnknown) {
    const std::size_t first = data.find_first_not_of(kLineBlank);
    if (first == std::string_view::npos) return;
    data.remove_prefix(first);
    progress.mode = data.front() == '{' || data.front() == '[' ? kWhole : kEvents;
  }
  read_response(ResponseApi::openai, data, progress.mode == kEvents, false, progress);
}

}  // namespace

std::span<const std::string_view> VertexAiParser::paths() const {
  return kPaths;
}

Result<Parsed> VertexAiParser::parse(std::string_view body, Request& request, Arena& arena) const {
  const std::string_view path = request.path;
  const auto method = std::ranges::find_if(
      kMethods, [path](const Method& each) { return path_matches(path, each.path); });
  if (method == kMethods.end()) return Parsed{.skip_response = true};
  const std::string type(method->type);
  const auto message = grpc_message(body, request, arena);
  if (!message) {
    return fail(Code::bad_request,
                "invalid or unsupported gRPC payload: " + message.error().message);
  }
  bool has_body = false;
  std::optional<std::string_view> data;
  if (!find_data(*message, has_body, data)) return std::unexpected(malformed_message(type));
  if (!has_body) return fail(Code::bad_request, type + " has no HttpBody");
  request.path = method->openai_path;
  const auto parsed = parse_openai(data.value_or(std::string_view()), request, arena);
  request.path = path;
  if (!parsed) {
    return fail(Code::bad_request, "parsing " + type + ": " + parsed.error().message);
  }
  return Parsed{.mode = kUnknown};  // the payload is no JSON object: it cannot be rewritten
}

// Each message is a google.api.HttpBody with the next piece of the answer, JSON or event stream.
void VertexAiParser::read(std::string_view chunk, bool /*sse*/, bool end,
                          ResponseProgress& progress) const {
  read_grpc_frames(chunk, progress, [&progress](std::string_view message) {
    std::optional<std::string_view> data;
    if (find_bytes(message, kData, data) && data) read_data(*data, progress);
  });
  if (end && progress.mode == kEvents) {
    read_response(ResponseApi::openai, {}, /*sse=*/true, /*end=*/true, progress);
  }
}

}  // namespace pointsman
