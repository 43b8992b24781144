#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "pointsman/model/inputs.h"
#include "pointsman/stage/context.h"

namespace pointsman {

// Copies what the plugins of a pipeline may read for this request, the fleet excepted, into
// `inputs`. Allocates nothing in steady state. Texts over kMaxInputText leave `exact` false, and so
// do names over kMaxClientText.
// `salt` keys the hash of the prompt's print, so that nobody who has the record alone can test a
// guess of a prompt against it. REQUIRES: `candidates` ascend.
void take_inputs(const std::shared_ptr<const InputSchema>& schema, const Context& context,
                 std::span<const EndpointIndex> candidates, std::uint64_t salt, Inputs& inputs);

// One text of a request: path, headers, columns.
inline constexpr std::size_t kMaxInputText = 4096;

// The other way round: puts the recorded columns into `signals`, which has been reset for the fleet
// and the pipeline. `places` says for each column of the schema where it goes in that pipeline;
// a column without a place is left out. False when `inputs` does not fit its schema.
// REQUIRES: same_form() of each column and its place.
bool restore_columns(const Inputs& inputs, const Fleet& fleet,
                     std::span<const SignalColumn* const> places, Signals& signals);

// Whether both hold the same fields for the same things, wherever they lie in memory.
bool same_form(const SignalColumn& a, const SignalColumn& b);

}  // namespace pointsman
