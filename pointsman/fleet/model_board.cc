#include "pointsman/fleet/model_board.h"

#include <map>
#include <string>
#include <utility>

#include "pointsman/fleet/model_poller.h"

namespace pointsman {

bool ModelBoard::told(EndpointKey endpoint, const std::vector<ServedModel>& models) {
  const auto [at, fresh] = told_.try_emplace(endpoint.value);
  if (!fresh && at->second == models) return false;
  at->second = models;
  return true;
}

std::shared_ptr<const ModelTable> ModelBoard::table(const std::vector<Endpoint>& endpoints) {
  auto table = std::make_shared<ModelTable>();
  table->known.assign(endpoints.size(), 0);
  std::map<std::string, ModelTable::Model> models;
  std::unordered_map<std::uint32_t, std::vector<ServedModel>> kept;
  for (std::size_t e = 0; e < endpoints.size(); ++e) {
    const auto add = [&](const std::string& name, const std::string& card) {
      ModelTable::Model& model = models[name];
      if (model.served.empty()) {
        model.name = name;
        model.served.assign(endpoints.size(), 0);
      }
      if (model.card.empty()) model.card = card;
      model.served[e] = 1;
      table->known[e] = 1;
    };
    for (const std::string& name : labelled_models(endpoints[e])) add(name, {});
    const auto at = told_.find(endpoints[e].key.value);
    if (at == told_.end()) continue;
    table->known[e] = 1;
    for (const ServedModel& model : at->second) add(model.name, model.card);
    kept.insert(told_.extract(at));
  }
  told_.swap(kept);
  for (auto& [name, model] : models) table->models.push_back(std::move(model));
  return table;
}

}  // namespace pointsman
