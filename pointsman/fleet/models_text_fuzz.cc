// Fuzz target: any bytes as the answer to GET /v1/models. What is accepted is bounded and named.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/models_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto models = read_models(text);
  if (!models) return 0;
  if (models->size() > size) bug("more models than bytes");
  for (const ServedModel& model : *models) {
    if (model.name.empty() || model.name.size() > 512) bug("a name that is none");
    if (!model.card.empty() && (!model.card.starts_with('{') || !model.card.ends_with('}') ||
                                !text.contains(model.card))) {
      bug("an entry that does not stand in the text");
    }
  }
  return 0;
}
