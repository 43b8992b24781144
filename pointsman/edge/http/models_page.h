#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pointsman/model/fleet.h"

namespace pointsman {

// The models of all endpoints, each once, as OpenAI's GET /v1/models lists them. A model's entry is
// that of the first server that told of it.
std::string models_page(const ModelTable& models);

// The answer to GET /v1/models/<id>, where `id` may be percent-encoded; nothing: no such model.
std::optional<std::string> model_page(const ModelTable& models, std::string_view id);

}  // namespace pointsman
