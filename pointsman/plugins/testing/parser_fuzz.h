#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

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

// Whether an event of the text does not begin a line. Such events are told apart by the chunks that
// they come in.
inline bool has_lone_event(std::string_view text) {
  std::size_t at = text.find("data:", 1);
  while (at != std::string_view::npos && text[at - 1] == '\n') at = text.find("data:", at + 1);
  return at != std::string_view::npos;
}

// Any bytes as a response, read as a whole answer and as a stream. The first byte chooses the mode,
// one of `modes`, and the size of pieces: what is read must be the same from one piece, from single
// bytes and from pieces of that size, and little is kept of them.
inline void fuzz_response(const Parser& parser, std::uint8_t modes, std::string_view input) {
  if (input.empty() || has_lone_event(input)) return;
  const auto choice = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  for (const bool sse : {false, true}) {
    const auto read_in = [&](std::size_t piece) {
      ResponseProgress progress;
      progress.mode = choice % modes;
      for (std::string_view left = input; !left.empty();
           left.remove_prefix(std::min(piece, left.size()))) {
        parser.read(left.substr(0, piece), sse, false, progress);
        if (progress.carry.size() > ResponseProgress::kMaxCarry) bug("too much is kept");
        if (progress.frame.size() > ResponseProgress::kMaxCarry + 8) bug("too much of a frame");
      }
      parser.read({}, sse, true, progress);
      const Usage& usage = progress.usage;
      return std::array{usage.prompt, usage.output, usage.total, usage.cached,
                        static_cast<std::int64_t>(progress.events)};
    };
    const auto whole = read_in(input.size() + 1);
    if (read_in(1) != whole || read_in(1 + choice / 4U) != whole) {
      bug("what was read depends on the pieces");
    }
  }
}

}  // namespace pointsman::testing
