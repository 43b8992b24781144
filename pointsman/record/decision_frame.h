#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "pointsman/model/decision.h"
#include "pointsman/record/recorded_decision.h"

namespace pointsman {

// One pipeline: what stands behind the numbers of its decisions.
struct RecordedPipeline {
  std::shared_ptr<const Plan> plan;
  std::shared_ptr<const InputSchema> schema;
};

// Payloads of frames; docs/decision-record.md has them byte by byte. Decoders give null or false
// when the bytes are damaged or over a limit. Numbers of pipelines and fleets are the writer's.
void encode_pipeline(std::uint64_t number, const Plan& plan, const InputSchema& schema,
                     std::string& out);
bool decode_pipeline(std::string_view bytes, std::uint64_t& number, RecordedPipeline& into);

// `hashes`: memory for the row hashes. Without inputs, the decision can be shown but not replayed.
void encode_decision(const Decision& decision, std::uint64_t pipeline, std::uint64_t fleet,
                     RecordedDecision& hashes, std::string& out);

// What the numbers in a decision frame stand for; null: not known (any more).
struct FrameContext {
  std::function<const RecordedPipeline*(std::uint64_t)> pipeline;
  std::function<std::shared_ptr<const Fleet>(std::uint64_t)> fleet;
};
enum class Decoded : std::uint8_t {
  whole,
  damaged,
  orphan,  // sound, but what it refers to is missing
};
// `into` keeps its memory.
Decoded decode_decision(std::string_view bytes, const FrameContext& context,
                        RecordedDecision& into);

void encode_outcome(std::uint64_t decision, const Outcome& outcome, std::string& out);
bool decode_outcome(std::string_view bytes, std::uint64_t& decision, Outcome& into);

}  // namespace pointsman
