#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pointsman/model/inputs.h"
#include "pointsman/record/bytes.h"

namespace pointsman {

// Writes the recorded columns of a decision: one byte per column that says whether it is there,
// then every field of all its elements, in the shortest of a few forms.
void encode_columns(const Inputs& inputs, ByteWriter& out);

// Reads them into `inputs.columns`, in the form of take_inputs() for the schema's shapes.
// REQUIRES: inputs.schema and inputs.candidates are set. Refuses what is damaged.
void decode_columns(ByteReader& in, Inputs& inputs);

// The shape of fields that come from a file: packed in their order.
SignalShape packed_shape(std::vector<RecordedField> fields);

}  // namespace pointsman
