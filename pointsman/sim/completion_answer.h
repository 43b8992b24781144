#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pointsman/sim/completion.h"

namespace pointsman {

struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
  std::uint32_t cached_tokens = 0;
};

// Why an answer ended: "length" or "stop".
std::string_view finish_reason(const CompletionRequest& request);

// The text of one answer in OpenAI's forms (spec/09 section 9), whole or as server-sent events.
// The words are made up, the same ones for the same seed.
class CompletionAnswer {
 public:
  struct Names {
    std::string_view request_id;
    std::string_view model;
    std::int64_t created = 0;  // Unix seconds
  };

  CompletionAnswer(CompletionKind kind, const Names& names, std::uint64_t seed);

  // Events of a stream, appended to `out`. begin() precedes the first token of a chat answer.
  void begin(std::string& out) const;
  void token(std::uint32_t index, std::string& out) const;
  // The finish reason, `usage` unless null, and the end mark.
  void end(std::string_view reason, const Usage* usage, std::string& out) const;

  // The whole answer as one JSON document.
  std::string whole(std::string_view reason, const Usage& usage) const;

 private:
  std::string_view word(std::uint32_t index) const;
  void event(std::string_view choices, std::string_view usage, std::string& out) const;

  CompletionKind kind_;
  std::uint64_t seed_;
  std::string identity_;  // `{"id":...,"created":...,"model":...,`
  std::string opening_;   // what every event begins with
};

// An error body as engines give it: the type follows from the status (spec/09 section 3.1).
std::string error_body(int status, std::string_view message, std::string_view param = {});

}  // namespace pointsman
