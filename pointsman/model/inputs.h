#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/model/names.h"
#include "pointsman/model/recorded.h"

namespace pointsman {

// A signal that filters, scorers, pickers and profile handlers may read.
struct SignalColumn {
  std::string key;                     // DataKey::text()
  std::uint16_t place = 0;             // in Signals
  bool per_endpoint = false;           // Column; else Cell
  const SignalShape* shape = nullptr;  // of its C++ type
};

// Which inputs a decision of one pipeline has besides the fleet. Immutable, shared by all decisions
// of that pipeline.
struct InputSchema {
  std::vector<SignalColumn> columns;  // what somebody besides producers reads
  std::vector<std::string> headers;   // lower-case names, sorted
  std::string config;                 // the effective configuration, YAML
  std::deque<SignalShape> shapes;     // owns those of the columns when they come from a file
};

// What a request's prompt was, without telling it.
struct PromptPrint {
  std::uint32_t prompts = 0;
  std::uint32_t parts = 0;
  std::uint32_t images = 0;  // of these parts
  std::uint32_t audios = 0;
  std::uint32_t videos = 0;
  std::uint64_t bytes = 0;  // of text, as it stands in the body
  std::uint64_t hash = 0;   // of the lengths and of the beginning and end of each prompt, keyed
};

// The inputs of one decision, as they were when scheduling began. Reused: reset() keeps the memory.
struct Inputs {
  std::shared_ptr<const InputSchema> schema;  // null: nobody wants inputs
  bool taken = false;
  bool exact = true;  // false: something was too long to be kept
  Clock::time_point stale_before;
  Clock::time_point received;
  std::optional<std::int64_t> max_output_tokens;
  bool stream = false;
  std::string path;
  std::string fairness_id;
  PromptPrint print;
  std::vector<EndpointIndex> candidates;  // before any filter of a profile
  // Of every header of the schema, in order: its value, or nothing when it was absent. The text of
  // all stands one after the other.
  std::vector<std::int32_t> header_sizes;  // -1: absent
  std::string header_text;
  // Of every column of the schema, in order: one byte that says whether it was there, and if so its
  // elements as they lie in memory, one per candidate, then the bytes of their texts.
  std::vector<std::byte> columns;

  void reset();
};

}  // namespace pointsman
