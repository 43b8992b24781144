#include "pointsman/edge/http/models_page.h"

#include "pointsman/base/text.h"
#include "pointsman/telemetry/json_text.h"

namespace pointsman {
namespace {

void append_card(std::string& out, const ModelTable::Model& model) {
  if (!model.card.empty()) {
    out += model.card;
    return;
  }
  out += R"({"id":)";
  append_json(out, model.name);
  out += R"(,"object":"model","created":0,"owned_by":"pointsman"})";
}

}  // namespace

std::string models_page(const ModelTable& models) {
  std::string out = R"({"object":"list","data":[)";
  bool first = true;
  for (const ModelTable::Model& model : models.models) {
    if (!first) out += ',';
    first = false;
    append_card(out, model);
  }
  return out += "]}\n";
}

std::optional<std::string> model_page(const ModelTable& models, std::string_view id) {
  const ModelTable::Model* const found = models.find(percent_decoded(id));
  if (found == nullptr) return std::nullopt;
  std::string out;
  append_card(out, *found);
  return out += '\n';
}

}  // namespace pointsman
