#include "pointsman/stage/registry.h"

#include <array>

#include "pointsman/base/bug.h"
#include "pointsman/config/nearest.h"

namespace pointsman {

std::string_view text(Stability stability) {
  static constexpr std::array<std::string_view, 3> kTexts{"Alpha", "Beta", "Stable"};
  return kTexts.at(static_cast<std::size_t>(stability));
}

void Registry::insert(Registration registration) {
  const std::string_view type = registration.type;
  if (!lines_.emplace(type, std::move(registration)).second) {
    bug("two plugins share one type name");
  }
}

const Registration* Registry::find(std::string_view type) const {
  const auto found = lines_.find(type);
  return found == lines_.end() ? nullptr : &found->second;
}

std::vector<const Registration*> Registry::all() const {
  std::vector<const Registration*> lines;
  for (const auto& [type, line] : lines_) lines.push_back(&line);
  return lines;
}

const Registration* Registry::default_producer(const DataKey& key) const {
  for (const auto& [type, line] : lines_) {
    for (const DataKey& made : line.default_for) {
      if (made == key) return &line;
    }
  }
  return nullptr;
}

std::vector<std::string> Registry::nearest(std::string_view type) const {
  std::vector<std::string_view> known;
  for (const auto& [name, line] : lines_) known.push_back(name);
  return pointsman::nearest(type, known);
}

}  // namespace pointsman
