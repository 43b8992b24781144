#include "pointsman/sim/completion_answer.h"

#include <array>
#include <nlohmann/json.hpp>

namespace pointsman {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 32> kWords = {
    "the",   "points", "are",   "set",   "for", "every", "train",  "that",
    "comes", "down",   "this",  "line",  "and", "each",  "one",    "runs",
    "to",    "a",      "track", "which", "is",  "free",  "signal", "clear",
    "while", "night",  "mail",  "waits", "at",  "north", "yard",   "box",
};

// A JSON string, quotes included; bytes that are not UTF-8 are replaced.
std::string json_string(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_of(const Usage& usage) {
  return R"({"prompt_tokens":)" + std::to_string(usage.prompt_tokens) + R"(,"total_tokens":)" +
         std::to_string(std::uint64_t{usage.prompt_tokens} + usage.completion_tokens) +
         R"(,"completion_tokens":)" + std::to_string(usage.completion_tokens) +
         R"(,"prompt_tokens_details":{"cached_tokens":)" + std::to_string(usage.cached_tokens) +
         "}}";
}

std::string_view error_type(int status) {
  switch (status) {
    case 400:
      return "BadRequestError";
    case 401:
      return "AuthenticationError";
    case 403:
      return "PermissionDeniedError";
    case 404:
      return "NotFoundError";
    case 422:
      return "UnprocessableEntityError";
    case 429:
      return "RateLimitError";
    default:
      return status >= 500 ? "InternalServerError" : "APIConnectionError";
  }
}

}  // namespace

std::string_view finish_reason(const CompletionRequest& request) {
  return request.cut_by_limit ? "length" : "stop";
}

CompletionAnswer::CompletionAnswer(CompletionKind kind, const Names& names, std::uint64_t seed)
    : kind_(kind), seed_(seed) {
  const bool chat = kind == CompletionKind::chat;
  const std::string id =
      json_string((chat ? "chatcmpl-" : "cmpl-") + std::string(names.request_id));
  const std::string rest = R"(,"created":)" + std::to_string(names.created) + R"(,"model":)" +
                           json_string(names.model) + ",";
  const std::string object = chat ? "chat.completion" : "text_completion";
  identity_ = R"({"id":)" + id + R"(,"object":")" + object + "\"" + rest;
  opening_ = R"(data: {"id":)" + id + R"(,"object":")" + (chat ? object + ".chunk" : object) +
             "\"" + rest + R"("choices":[)";
}

std::string_view CompletionAnswer::word(std::uint32_t index) const {
  // A multiplicative hash (Knuth): neighbouring tokens get unrelated words.
  return kWords[((seed_ + index) * 0x9E3779B97F4A7C15U) >> 59U];
}

void CompletionAnswer::event(std::string_view choices, std::string_view usage,
                             std::string& out) const {
  out.append(opening_).append(choices).append(R"(],"usage":)").append(usage).append("}\n\n");
}

void CompletionAnswer::begin(std::string& out) const {
  if (kind_ != CompletionKind::chat) return;
  event(R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,)"
        R"("finish_reason":null})",
        "null", out);
}

void CompletionAnswer::token(std::uint32_t index, std::string& out) const {
  const bool chat = kind_ == CompletionKind::chat;
  out.append(opening_)
      .append(chat ? R"({"index":0,"delta":{"content":")" : R"({"index":0,"text":")")
      .append(index == 0 ? "" : " ")
      .append(word(index))
      .append(chat ? R"("},"logprobs":null,"finish_reason":null}],"usage":null})"
                   : R"(","logprobs":null,"finish_reason":null}],"usage":null})")
      .append("\n\n");
}

void CompletionAnswer::end(std::string_view reason, const Usage* usage, std::string& out) const {
  std::string choice =
      kind_ == CompletionKind::chat ? R"({"index":0,"delta":{},)" : R"({"index":0,"text":"",)";
  choice.append(R"("logprobs":null,"finish_reason":")").append(reason).append("\"}");
  event(choice, "null", out);
  if (usage != nullptr) event("", text_of(*usage), out);
  out.append("data: [DONE]\n\n");
}

std::string CompletionAnswer::whole(std::string_view reason, const Usage& usage) const {
  std::string text;
  for (std::uint32_t i = 0; i < usage.completion_tokens; ++i) {
    text.append(i == 0 ? "" : " ").append(word(i));
  }
  const bool chat = kind_ == CompletionKind::chat;
  std::string out = identity_ + R"("choices":[{"index":0,)";
  out.append(chat ? R"("message":{"role":"assistant","content":")" : R"("text":")").append(text);
  out.append(chat ? "\"}" : "\"").append(R"(,"logprobs":null,"finish_reason":")").append(reason);
  out.append(R"("}],"usage":)").append(text_of(usage)).append("}");
  return out;
}

std::string error_body(int status, std::string_view message, std::string_view param) {
  return R"({"error":{"message":)" + json_string(message) + R"(,"type":")" +
         std::string(error_type(status)) + R"(","param":)" +
         (param.empty() ? "null" : json_string(param)) + R"(,"code":)" + std::to_string(status) +
         "}}";
}

}  // namespace pointsman
