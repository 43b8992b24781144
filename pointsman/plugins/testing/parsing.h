#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/plugins/testing/prompts.h"
#include "pointsman/stage/parser.h"
#include "pointsman/stage/setup.h"

namespace pointsman::testing {

// What a parser made of one body, in values that outlive it.
struct Read {
  std::string error;  // empty: it was read
  std::string model;
  std::string salt;
  bool stream = false;
  bool skip = false;
  bool rewritable = false;
  std::optional<std::int64_t> cap;
  std::vector<std::string> prompts;
  std::string model_value;  // as it stands in the body
};

inline Read read(const Parser& parser, std::string_view path, std::string_view body) {
  // Exactly as long as the body, so that reading beyond it is seen by AddressSanitizer.
  const std::vector<char> exact(body.begin(), body.end());
  const std::string_view text(exact.data(), exact.size());
  Arena arena;
  Request request;
  request.path = path;
  const auto parsed = parser.parse(text, request, arena);
  Read out;
  if (!parsed) {
    out.error = parsed.error().message;
    return out;
  }
  out.model = request.model;
  out.salt = request.cache_salt;
  out.stream = request.stream;
  out.skip = parsed->skip_response;
  out.rewritable = parsed->rewritable;
  out.cap = request.max_output_tokens;
  out.prompts = shown(request.prompts);
  if (parsed->model_value) {
    out.model_value = text.substr(parsed->model_value->first, parsed->model_value->second);
  }
  return out;
}

// A parser outside of any configuration.
template <typename P>
P made() {
  SignalTable table;
  Setup setup({std::string(P::kType), std::string(P::kType)}, {}, table);
  return P({}, setup);
}

}  // namespace pointsman::testing
