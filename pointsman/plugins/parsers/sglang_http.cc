#include "pointsman/plugins/parsers/sglang_http.h"

#include <array>
#include <string>

#include "pointsman/base/json_escape.h"
#include "pointsman/base/text.h"
#include "pointsman/plugins/parsers/openai_shapes.h"
#include "pointsman/plugins/parsers/usage_reader.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 1> kPaths{"generate"};

// The whole path, not only its end: /health_generate and /prefix/generate are others.
bool is_generate(std::string_view path) {
  path = trim(path, " ");
  if (path.ends_with('/')) path.remove_suffix(1);
  return path == "generate" || path == "/generate";
}

class GenerateShape final : public BodyShape {
 public:
  explicit GenerateShape(Arena& arena) : BodyShape(arena), parts_(arena) {}

  void field(std::string_view key, JsonReader& json) override {
    if (key == "input_ids") {
      input_ids(json);
    } else if (key == "extra_key") {
      const Kind kind = json.peek();
      odd_salt_ = kind != Kind::string && kind != Kind::null;
      salt_ = kind == Kind::string ? json.string() : JsonString();
      if (kind != Kind::string) json.skip();
    } else if (key == "sampling_params") {
      cap_ = read_cap_in(json, "max_new_tokens");
    } else {
      json.skip();
    }
  }

  bool give(Request& request) override {
    request.prompts = one_prompt(parts_.all(), arena());
    request.cache_salt = unescaped(salt_.raw, arena());
    request.max_output_tokens = cap_;
    return parts_.size() > 0;
  }

  void odd_stream(Kind kind) override { complain(kind, "stream", "bool"); }

  // What is wrong with the body, in the order in which it is looked at; empty when nothing is.
  std::string_view fault() const {
    if (!given_) return "invalid generate request: input_ids must be provided";
    if (odd_salt_) return "unsupported generate request: extra_key must be a string";
    if (odd_ids_) return "invalid generate request: input_ids must be an array of uint32 integers";
    if (parts_.size() == 0) return "invalid generate request: input_ids cannot be empty";
    return {};
  }

 private:
  void input_ids(JsonReader& json) {
    parts_.truncate(0);
    const Kind kind = json.peek();
    given_ = kind != Kind::null;
    odd_ids_ = given_ && kind != Kind::array;
    if (kind != Kind::array) {
      json.skip();
      return;
    }
    json.open();
    odd_ids_ = read_ids(json, IdRule::uint32, parts_).odd != Kind::none;
  }

  PartList parts_;
  std::optional<std::int64_t> cap_;
  JsonString salt_;
  bool given_ = false;
  bool odd_ids_ = false;
  bool odd_salt_ = false;
};

}  // namespace

std::span<const std::string_view> SglangHttpParser::paths() const {
  return kPaths;
}

Result<Parsed> SglangHttpParser::parse(std::string_view body, Request& request,
                                       Arena& arena) const {
  if (!is_generate(request.path)) {
    return fail(Code::bad_request, "unsupported path: " + std::string(request.path));
  }
  GenerateShape shape(arena);
  const auto parsed = read_body(body, {}, shape, request, arena);
  request.model = {};
  if (!parsed) {
    return fail(Code::bad_request, "invalid generate request: " + parsed.error().message);
  }
  if (!shape.complaint().empty()) {
    return fail(Code::bad_request, "invalid generate request: " + shape.complaint());
  }
  if (const auto fault = shape.fault(); !fault.empty()) {
    return fail(Code::bad_request, std::string(fault));
  }
  shape.give(request);
  return Parsed{};
}

void SglangHttpParser::read(std::string_view chunk, bool sse, bool end,
                            ResponseProgress& progress) const {
  read_response(ResponseApi::sglang, chunk, sse, end, progress);
}

}  // namespace pointsman
