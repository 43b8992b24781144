#pragma once

#include "pointsman/config/renames.h"

namespace pointsman {

// How rows of the table of renames are carried out (Rename::apply); which columns each one uses is
// said here.

// `from`: a type that is called `to` now.
void change_type(const Rename& row, DocumentEditor& document);
// `from`: a type that is gone. That it is unknown is the problem; the row has the hint.
void gone(const Rename& row, DocumentEditor& document);
// `from`: a feature gate that no longer exists.
void drop_gate(const Rename& row, DocumentEditor& document);
// `from`: a parameter of plugins of type `in` that is called `to` and means the same.
void rename_parameter(const Rename& row, DocumentEditor& document);
// `from`: a parameter of plugins of type `in` that asks for something that is gone.
void refuse_parameter(const Rename& row, DocumentEditor& document);

// The section `data` is called dataLayer.
void rename_data(const Rename& row, DocumentEditor& document);
// The saturation detector is named under flowControl.
void move_detector(const Rename& row, DocumentEditor& document);
// Thresholds of saturation stood in the section; they are parameters of a plugin.
void name_detector(const Rename& row, DocumentEditor& document);
// In llm-d.ai/v1 discovery has a level more.
void move_discovery(const Rename& row, DocumentEditor& document);
// In llm-d.ai/v1 the field `from` of dataLayer is `to` of dataLayer.crossReplica.
void move_replica_field(const Rename& row, DocumentEditor& document);

// The index of prefixes moved from the scorer to a producer, its block size from characters to
// tokens.
void move_index(const Rename& row, DocumentEditor& document);
// The P/D handler decided by a threshold in characters; today a decider plugin does, in tokens.
void declare_decider(const Rename& row, DocumentEditor& document);
// Prediction and scoring of latency were one plugin.
void split_latency(const Rename& row, DocumentEditor& document);
// A penalty in tokens is the time that the engine needs to prefill them.
void time_penalty(const Rename& row, DocumentEditor& document);
// `from`: a field of the indexer (`in`: "indexer") or of its tokenizers ("pool") that asks for a
// tokenizer in this process.
void refuse_tokenizer_field(const Rename& row, DocumentEditor& document);
// The client of the render service was named by its transport for one release.
void rename_render_url(const Rename& row, DocumentEditor& document);

}  // namespace pointsman
