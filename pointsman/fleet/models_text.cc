#include "pointsman/fleet/models_text.h"

#include <cstddef>
#include <utility>

#include "pointsman/base/arena.h"
#include "pointsman/base/json_escape.h"
#include "pointsman/base/json_reader.h"

namespace pointsman {
namespace {

using Kind = JsonReader::Kind;

constexpr std::size_t kMostModels = 4096;
constexpr std::size_t kLongestName = 512;
constexpr std::size_t kLongestCard = 8192;

// Reads one entry of the list and keeps it if it has a name.
void read_entry(JsonReader& json, std::vector<ServedModel>& models, Arena& arena) {
  if (json.peek() != Kind::object) {
    json.skip();
    return;
  }
  const std::size_t began = json.offset();
  std::string_view name;
  json.open();
  for (JsonString key; json.next_key(key);) {
    if (key.raw != "id" || json.peek() != Kind::string) {
      json.skip();
      continue;
    }
    const JsonString id = json.string();
    name = id.size <= kLongestName ? unescaped(id.raw, arena) : std::string_view();
  }
  if (json.failed() || name.empty()) return;
  const std::string_view card = json.since(began);
  models.push_back(
      {.name = std::string(name), .card = std::string(card.size() <= kLongestCard ? card : "")});
}

}  // namespace

Result<std::vector<ServedModel>> read_models(std::string_view text) {
  JsonReader json(text);
  Arena arena(1024);  // of the few names that have escapes
  std::vector<ServedModel> models;
  bool listed = false;
  if (json.peek() == Kind::object) {
    json.open();
    for (JsonString key; json.next_key(key);) {
      if (key.raw != "data" || json.peek() != Kind::array) {
        json.skip();
        continue;
      }
      listed = true;
      json.open();
      while (models.size() <= kMostModels && json.next_element()) read_entry(json, models, arena);
      if (models.size() > kMostModels) break;
    }
  }
  if (!listed || models.size() > kMostModels || !json.finish()) {
    return fail(Code::bad_gateway, "the list of models is not what /v1/models answers");
  }
  return models;
}

}  // namespace pointsman
