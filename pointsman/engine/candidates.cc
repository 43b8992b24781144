#include "pointsman/engine/candidates.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "pointsman/base/client_text.h"
#include "pointsman/base/json_escape.h"
#include "pointsman/base/json_reader.h"
#include "pointsman/base/text.h"

namespace pointsman {

namespace {

bool same_word(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return to_lower(x) == y; });
}

// What is known of one model.
class Servers {
 public:
  Servers(const Fleet& fleet, std::string_view model)
      : fleet_(fleet),
        table_(fleet.models().get()),
        row_(table_ == nullptr ? nullptr : table_->find(model)),
        adapter_(fleet.adapters().find(model)) {}

  bool serves(EndpointIndex e) const {
    if (row_ != nullptr && row_->served[e] != 0) return true;
    return adapter_ && (among(fleet_.adapters().active(e)) || among(fleet_.adapters().waiting(e)));
  }
  bool unknown(EndpointIndex e) const { return table_ == nullptr || table_->known[e] == 0; }

 private:
  bool among(std::span<const std::uint32_t> adapters) const {
    return std::ranges::find(adapters, *adapter_) != adapters.end();
  }

  const Fleet& fleet_;
  const ModelTable* table_;
  const ModelTable::Model* row_;
  std::optional<std::uint32_t> adapter_;
};

}  // namespace

void prefer_model(const Fleet& fleet, std::string_view model, Candidates& candidates) {
  if (model.empty()) return;
  const Servers servers(fleet, model);
  candidates.keep_if_any(DropReason::no_model, [&](EndpointIndex e) { return servers.serves(e); });
}

std::string_view named_model(std::string_view body, Arena& arena) {
  constexpr std::size_t kLookedAt = std::size_t{1} << 20U;
  JsonReader json(body.substr(0, kLookedAt));
  if (json.look() != JsonReader::Kind::object) return {};
  json.open();
  for (JsonString key; json.next_key(key);) {
    if (key.raw != "model") {
      json.skip();
      continue;
    }
    if (json.peek() != JsonReader::Kind::string) return {};
    const JsonString name = json.string();
    return json.failed() ? std::string_view() : unescaped(name.raw, arena);
  }
  return {};
}

Result<void> keep_model(const Fleet& fleet, std::string_view model, Candidates& candidates) {
  if (model.empty() || fleet.empty()) return {};
  const Servers servers(fleet, model);
  const auto serves = [&](EndpointIndex e) { return servers.serves(e); };
  if (candidates.keep_if_any(DropReason::no_model, serves)) return {};
  bool somewhere = false;
  for (EndpointIndex e = 0; e < fleet.size() && !somewhere; ++e) {
    somewhere = servers.serves(e) || servers.unknown(e);
  }
  if (!somewhere) {
    return fail(Code::not_found, "The model `" + std::string(clipped(model)) + "` does not exist",
                kModelNotFound);
  }
  candidates.keep_if(DropReason::no_model, [&](EndpointIndex e) { return servers.unknown(e); });
  return {};
}

bool only_guessed(const Fleet& fleet, std::string_view model, EndpointIndex e) {
  const ModelTable* const table = fleet.models().get();
  if (model.empty() || table == nullptr || std::ranges::count(table->known, 1) == 0) return false;
  const Servers servers(fleet, model);
  return servers.unknown(e) && !servers.serves(e);
}

bool prefers_if_available(std::string_view prefer) {
  while (!prefer.empty()) {
    const std::size_t comma = std::min(prefer.find(','), prefer.size());
    const std::string_view piece = prefer.substr(0, comma);
    if (same_word(trim(piece.substr(0, piece.find(';'))), "if-available")) return true;
    prefer.remove_prefix(std::min(comma + 1, prefer.size()));
  }
  return false;
}

bool in_subset(const Endpoint& endpoint, std::span<const std::string_view> allowed) {
  for (const std::string_view element : allowed) {
    std::string_view address = element.substr(0, element.rfind(':'));
    if (address.starts_with('[') && address.ends_with(']')) {
      address = address.substr(1, address.size() - 2);
    }
    if (address == endpoint.address || element == endpoint.address) return true;
  }
  return false;
}

}  // namespace pointsman
