#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/sim/server_model.h"
#include "pointsman/sim/wire_form.h"

namespace pointsman {

enum class CompletionKind : std::uint8_t { chat, text };  // /v1/chat/completions, /v1/completions

// What a simulated engine makes of the body of a completion request.
struct CompletionRequest {
  CompletionKind kind = CompletionKind::chat;
  std::string model;  // as asked for; empty if the body does not say
  bool stream = false;
  bool include_usage = false;       // stream_options.include_usage
  bool cut_by_limit = false;        // the answer ends at max_tokens: finish_reason "length"
  std::uint32_t prompt_tokens = 0;  // wire tokens, for `usage`
  ModelRequest work;                // with the length of the answer
};

struct CompletionLimits {
  WireForm form;
  std::uint32_t default_output = 128;  // tokens of an answer when nothing in the request says more
};

// Reads the body of a chat or text completion. The answer has as many tokens as the prompt's output
// tag says, but at most max_tokens; without a tag it has max_tokens, or the default without both.
// Text prompts may be strings or token ids (four bytes each). Fails with bad_request and a message
// as engines give them.
Result<CompletionRequest> parse_completion(CompletionKind kind, std::string_view body,
                                           const CompletionLimits& limits);

}  // namespace pointsman
