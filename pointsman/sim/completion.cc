#include "pointsman/sim/completion.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace pointsman {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;

// A JSON document of limited depth; discarded when it is none.
json parse_bounded(std::string_view text) {
  bool too_deep = false;
  const auto within_depth = [&too_deep](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return depth <= kMaxDepth;
  };
  json document = json::parse(text, within_depth, /*allow_exceptions=*/false);
  if (too_deep) return json::value_t::discarded;
  return document;
}

const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool is_true(const json& object, const char* name) {
  const json* value = member(object, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

// The prompt as pieces of the document's text in roles. The last one may end with the output tag.
struct Prompt {
  struct Piece {
    std::string_view role;  // empty: goes on in the role of the piece before
    std::string_view text;
  };
  std::vector<Piece> pieces;
  std::vector<char> ids;  // the text made of token ids, if that is what the prompt is
};

// The text of a chat message: a string, or an array of parts of which only text counts.
void add_content(const json* content, std::string_view role, Prompt& out) {
  out.pieces.push_back({.role = role, .text = {}});
  if (content == nullptr) return;  // a message that only calls tools
  if (content->is_string()) out.pieces.back().text = content->get_ref<const std::string&>();
  if (!content->is_array()) return;
  for (const json& part : *content) {
    const json* text = part.is_object() ? member(part, "text") : nullptr;
    if (text != nullptr && text->is_string()) {
      out.pieces.push_back({.role = {}, .text = text->get_ref<const std::string&>()});
    }
  }
}

Result<Prompt> chat_prompt(const json& body) {
  const json* messages = member(body, "messages");
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    return fail(Code::bad_request, "messages: at least one message is required");
  }
  Prompt out;
  for (const json& message : *messages) {
    const json* role = message.is_object() ? member(message, "role") : nullptr;
    if (role == nullptr || !role->is_string() || role->get_ref<const std::string&>().empty()) {
      return fail(Code::bad_request, "messages: every message needs a role");
    }
    const json* content = member(message, "content");
    add_content(content, role->get_ref<const std::string&>(), out);
  }
  return out;
}

// Four bytes for each token id, so that a token counts as one.
bool add_token_ids(const json& ids, Prompt& out) {
  for (const json& id : ids) {
    if (!id.is_number_unsigned()) return false;
    const auto value = id.get<std::uint64_t>();
    for (unsigned shift = 0; shift < 32; shift += 8) {
      out.ids.push_back(static_cast<char>((value >> shift) & 0xFFU));
    }
  }
  out.pieces.push_back({.role = "ids", .text = {out.ids.data(), out.ids.size()}});
  return true;
}

Result<Prompt> text_prompt(const json& body) {
  const json* prompt = member(body, "prompt");
  if (prompt == nullptr) return fail(Code::bad_request, "prompt: field required");
  // A list of one prompt is that prompt.
  if (prompt->is_array() && prompt->size() == 1 && !prompt->front().is_number()) {
    prompt = &prompt->front();
  }
  Prompt out;
  if (prompt->is_string()) {
    out.pieces.push_back({.role = "text", .text = prompt->get_ref<const std::string&>()});
    return out;
  }
  if (prompt->is_array() && !prompt->empty() && add_token_ids(*prompt, out)) return out;
  return fail(Code::bad_request, "prompt: must be one string or one list of token ids");
}

// The limit that the request sets, if any. max_completion_tokens is the newer name.
Result<std::optional<std::uint32_t>> max_tokens(const json& body) {
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    const json* value = member(body, name);
    if (value == nullptr) continue;
    if (!value->is_number_integer() || value->get<std::int64_t>() <= 0) {
      return fail(Code::bad_request, "Max completion tokens and max tokens should be positive");
    }
    constexpr std::int64_t kMost = 1 << 30;
    return static_cast<std::uint32_t>(std::min(value->get<std::int64_t>(), kMost));
  }
  return std::nullopt;
}

Result<void> decide_length(const json& body, std::optional<std::uint32_t> tag,
                           std::uint32_t otherwise, CompletionRequest& out) {
  const json* n = member(body, "n");
  if (n != nullptr && (!n->is_number_integer() || n->get<std::int64_t>() < 1)) {
    return fail(Code::bad_request, "n must be at least 1");
  }
  if (n != nullptr && n->get<std::int64_t>() > 1) {
    return fail(Code::bad_request, "n: the simulator answers with one choice");
  }
  POINTSMAN_TRY(limit, max_tokens(body));
  if (is_true(body, "ignore_eos") && !limit) {
    return fail(Code::bad_request,
                "Ignore_eos is true but max_completion_tokens (or max_tokens) is not set");
  }
  const std::uint32_t wanted = tag.value_or(limit.value_or(otherwise));
  out.work.output_tokens = std::min(wanted, limit.value_or(wanted));
  out.cut_by_limit = limit == out.work.output_tokens;
  return {};
}

}  // namespace

Result<CompletionRequest> parse_completion(CompletionKind kind, std::string_view body,
                                           const CompletionLimits& limits) {
  const json document = parse_bounded(body);
  if (!document.is_object()) {
    return fail(Code::bad_request,
                "Failed to read and parse request body, it is not a JSON object");
  }
  CompletionRequest out{.kind = kind};
  if (const json* model = member(document, "model"); model != nullptr) {
    if (!model->is_string()) return fail(Code::bad_request, "model: must be a string");
    out.model = model->get<std::string>();
  }
  out.stream = is_true(document, "stream");
  const json* options = member(document, "stream_options");
  out.include_usage =
      options != nullptr && options->is_object() && is_true(*options, "include_usage");

  POINTSMAN_TRY(prompt,
                kind == CompletionKind::chat ? chat_prompt(document) : text_prompt(document));
  const auto tag = take_output_tag(prompt.pieces.back().text);

  PromptMeter meter(limits.form, out.model);
  for (const Prompt::Piece& piece : prompt.pieces) {
    if (!piece.role.empty()) meter.role(piece.role);
    meter.text(piece.text);
  }
  out.prompt_tokens = meter.wire_tokens();
  if (out.prompt_tokens == 0) return fail(Code::bad_request, "the prompt is empty");
  out.work = std::move(meter).request(0);
  if (auto decided = decide_length(document, tag, limits.default_output, out); !decided) {
    return std::unexpected(std::move(decided).error());
  }
  return out;
}

}  // namespace pointsman
