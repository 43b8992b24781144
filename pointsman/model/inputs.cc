#include "pointsman/model/inputs.h"

namespace pointsman {

void Inputs::reset() {
  schema.reset();
  taken = false;
  exact = true;
  stale_before = {};
  received = {};
  max_output_tokens.reset();
  stream = false;
  path.clear();
  fairness_id.clear();
  print = {};
  candidates.clear();
  header_sizes.clear();
  header_text.clear();
  columns.clear();
}

}  // namespace pointsman
