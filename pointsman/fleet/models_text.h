#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

// A model that a server serves.
struct ServedModel {
  std::string name;
  std::string card;  // its entry of the server's list, JSON; empty where it is too long

  friend bool operator==(const ServedModel&, const ServedModel&) = default;
};

// Reads the answer to GET /v1/models: {"data":[{"id":"name",...},...]}, in its order. Entries
// without a name are passed over.
// Errors: bad_gateway: it is not that, nested too deeply, or lists too many.
Result<std::vector<ServedModel>> read_models(std::string_view text);

}  // namespace pointsman
