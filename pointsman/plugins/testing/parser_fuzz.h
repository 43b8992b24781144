#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/bug.h"
#include "pointsman/plugins/testing/parsing.h"
#include "pointsman/stage/parser.h"

namespace pointsman::testing {

// Any bytes as a request body, read as one of `paths`, which the first byte chooses. What is
// accepted is read twice to the same, and the place that it gives for the model's name can be
// written over: then the new name is read, and all else as before.
inline void fuzz_parser(const Parser& parser, std::span<const std::string_view> paths,
                        std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<std::uint8_t>(input.front());
  const std::string_view path = paths[choice % paths.size()];
  const std::string_view body = input.substr(1);
  const Read first = read(parser, path, body);
  if (!first.error.empty()) return;
  if (first.model_value.empty()) return;
  Arena arena;
  Request request;
  request.path = path;
  const auto parsed = parser.parse(body, request, arena);
  if (!parsed || !parsed->model_value) bug("the same body is read in two ways");
  const auto [at, length] = *parsed->model_value;
  if (at > body.size() || length > body.size() - at) bug("a place outside of the body");
  std::string renamed(body);
  renamed.replace(at, length, R"("another")");
  const Read second = read(parser, path, renamed);
  if (!second.error.empty()) bug("a body with another model is refused: " + second.error);
  if (second.model != "another") bug("the model's place is not the model's");
  if (second.prompts != first.prompts || second.stream != first.stream || second.cap != first.cap ||
      second.salt != first.salt) {
    bug("another model changes the request");
  }
}

}  // namespace pointsman::testing
