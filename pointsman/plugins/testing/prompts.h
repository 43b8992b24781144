#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/json_escape.h"
#include "pointsman/model/request.h"

namespace pointsman::testing {

// A prompt as a person reads it: unescaped text, [1 2] for token ids, <image URL> for media,
// <9x3> for token 9 three times.
inline std::string shown(const Prompt& prompt) {
  using Kind = PromptPart::Kind;
  Arena arena;
  std::string out;
  for (const PromptPart& part : prompt.parts) {
    const std::string bytes(part.bytes);
    switch (part.kind) {
      case Kind::text:
        out += bytes;
        break;
      case Kind::escaped:
        out += unescaped(bytes, arena);
        break;
      case Kind::tokens:
        out += '[';
        for (const std::uint32_t id : part.tokens) {
          if (out.back() != '[') out += ' ';
          out += std::to_string(id);
        }
        out += ']';
        break;
      case Kind::repeat:
        out += '<' + std::to_string(part.token) + 'x' + std::to_string(part.count) + '>';
        break;
      case Kind::image:
        out += "<image " + bytes + ">";
        break;
      case Kind::audio:
        out += "<audio " + bytes + ">";
        break;
      case Kind::video:
        out += "<video " + bytes + ">";
        break;
    }
  }
  return out;
}

inline std::vector<std::string> shown(std::span<const Prompt> prompts) {
  std::vector<std::string> out;
  for (const Prompt& prompt : prompts) out.push_back(shown(prompt));
  return out;
}

}  // namespace pointsman::testing
