#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "pointsman/fleet/models_text.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// What the endpoints have told of their models, and the table of it for a list of endpoints.
class ModelBoard {
 public:
  // Whether this is news.
  bool told(EndpointKey endpoint, const std::vector<ServedModel>& models);

  // A table with one entry per endpoint; labels tell too. Forgets who is not among them.
  std::shared_ptr<const ModelTable> table(const std::vector<Endpoint>& endpoints);

 private:
  std::unordered_map<std::uint32_t, std::vector<ServedModel>> told_;  // by key
};

}  // namespace pointsman
