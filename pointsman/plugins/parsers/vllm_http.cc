#include "pointsman/plugins/parsers/vllm_http.h"

#include <algorithm>
#include <array>

#include "pointsman/base/general_number.h"
#include "pointsman/base/json_escape.h"
#include "pointsman/plugins/parsers/openai_shapes.h"
#include "pointsman/plugins/parsers/usage_reader.h"
#include "pointsman/stage/parser_table.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 1> kGenerate{"inference/v1/generate"};

constexpr auto kWithOpenAi = [] {
  std::array<std::string_view, kOpenAiPaths.size() + 1> all{};
  std::ranges::copy(kOpenAiPaths, all.begin());
  all.back() = kGenerate.front();
  return all;
}();

class GenerateShape final : public BodyShape {
 public:
  explicit GenerateShape(Arena& arena) : BodyShape(arena), parts_(arena) {}

  void field(std::string_view key, JsonReader& json) override {
    if (key == "token_ids") {
      token_ids(json);
    } else if (key == "sampling_params") {
      cap_ = read_cap_in(json, "max_tokens");
    } else if (key == "cache_salt") {
      salt_ = string_at(json, key);
    } else {
      json.skip();  // also `features`: what is wrong there, the model server says
    }
  }

  bool give(Request& request) override {
    request.prompts = one_prompt(parts_.all(), arena());
    request.cache_salt = unescaped(salt_.raw, arena());
    request.max_output_tokens = cap_;
    return parts_.size() > 0;
  }

 private:
  void token_ids(JsonReader& json) {
    parts_.truncate(0);
    if (!enter(json, Kind::array, "token_ids")) return;
    const IdArray found = read_ids(json, IdRule::number, parts_);
    if (found.odd == Kind::number) {
      complain("token_ids[" + std::to_string(found.odd_index) + "]: invalid value " +
               general_number(found.odd_value));
    } else if (found.odd != Kind::none) {
      complain(found.odd, "token_ids", "float64");
    }
  }

  PartList parts_;
  std::optional<std::int64_t> cap_;
  JsonString salt_;
};

}  // namespace

std::span<const std::string_view> VllmHttpParser::paths() const {
  if (reads_openai_) return kWithOpenAi;
  return kGenerate;
}

Result<Parsed> VllmHttpParser::parse(std::string_view body, Request& request, Arena& arena) const {
  if (!path_matches(request.path, kGenerate.front())) {
    if (reads_openai_) return parse_openai(body, request, arena);
    return fail(Code::bad_request, "unsupported path: " + std::string(request.path));
  }
  GenerateShape shape(arena);
  auto parsed = read_body(body, {}, shape, request, arena);
  if (!parsed) return parsed;
  const bool given = shape.give(request);
  if (!shape.complaint().empty()) {
    return fail(Code::bad_request, "invalid generate request: " + shape.complaint());
  }
  if (!given) {
    return fail(Code::bad_request, "invalid generate request: must have non-empty token_ids field");
  }
  return parsed;
}

void VllmHttpParser::read(std::string_view chunk, bool sse, bool end,
                          ResponseProgress& progress) const {
  read_response(ResponseApi::openai, chunk, sse, end, progress);
}

std::shared_ptr<Parser> make_vllmhttp_with_openai_paths() {
  return std::make_shared<VllmHttpParser>(true);
}

}  // namespace pointsman
