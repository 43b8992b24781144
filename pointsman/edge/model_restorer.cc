#include "pointsman/edge/model_restorer.h"

#include <algorithm>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::string_view kKey = "\"model\"";
constexpr std::size_t kMaxBlanks = 64;  // on each side of the colon; more is nobody's JSON

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t blanks(std::string_view text, std::size_t at) {
  std::size_t n = 0;
  while (at + n < text.size() && n < kMaxBlanks && blank(text[at + n])) ++n;
  return n;
}

// Where a suffix of `text` begins that may grow into the key; its end if none does.
std::size_t partial_key(std::string_view text) {
  for (std::size_t n = std::min(kKey.size() - 1, text.size()); n > 0; --n) {
    if (kKey.starts_with(text.substr(text.size() - n))) return text.size() - n;
  }
  return text.size();
}

}  // namespace

bool may_restore_model(std::string_view content_type, std::string_view content_encoding) {
  if (!content_encoding.empty() && content_encoding != "identity") return false;
  return content_type.empty() || contains_any_case(content_type, "json") ||
         contains_any_case(content_type, "text/event-stream");
}

void ModelRestorer::begin(std::string_view target, std::string_view incoming,
                          std::string_view incoming_json) {
  reset();
  if (target.empty() || incoming.empty() || target == incoming) return;
  target_ = target;
  replacement_ = incoming_json;
}

void ModelRestorer::reset() {
  target_ = {};
  replacement_ = {};
  carry_.clear();
}

ModelRestorer::Match ModelRestorer::match(std::string_view text) const {
  constexpr Match kMore{.kind = Match::Kind::needs_more};
  std::size_t at = kKey.size();
  at += blanks(text, at);
  if (at == text.size()) return kMore;
  if (text[at] != ':') return {};
  ++at;
  at += blanks(text, at);
  if (at == text.size()) return kMore;
  const std::size_t value = at;
  if (text[at++] != '"') return {};
  for (const char c : target_) {
    // A name is written as it is, except for what JSON must or may escape.
    if (at < text.size() && text[at] == '\\' && (c == '"' || c == '\\' || c == '/')) ++at;
    if (at >= text.size()) return kMore;
    if (text[at++] != c) return {};
  }
  if (at == text.size()) return kMore;
  if (text[at++] != '"') return {};
  return {.kind = Match::Kind::yes, .before_value = value, .whole = at};
}

std::string_view ModelRestorer::pass(std::string_view chunk, bool end) {
  if (target_.empty()) return chunk;
  std::string_view input = chunk;
  const bool joined = !carry_.empty();
  if (joined) {
    joined_.assign(carry_).append(chunk);
    carry_.clear();
    input = joined_;
  }
  out_.clear();
  std::size_t done = 0;             // input that stands in out_
  std::size_t held = input.size();  // where the bytes begin that are held back
  for (std::size_t at = 0;;) {
    at = input.find(kKey, at);
    if (at == std::string_view::npos) {
      if (!end) held = done + partial_key(input.substr(done));
      break;
    }
    const Match found = match(input.substr(at));
    if (found.kind == Match::Kind::yes) {
      out_.append(input, done, at + found.before_value - done).append(replacement_);
      at += found.whole;
      done = at;
    } else if (found.kind == Match::Kind::needs_more && !end) {
      held = at;
      break;
    } else {
      at += kKey.size();
    }
  }
  if (held < input.size()) carry_ = input.substr(held);
  const std::string_view rest = input.substr(done, held - done);
  if (!joined && done == 0) return rest;
  out_.append(rest);
  return out_;
}

}  // namespace pointsman
