#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pointsman/stage/setup.h"

namespace pointsman {

// One scraped number per endpoint that a configuration names: a custom metric, or one of the core
// loads under its data key. Shared by the plugins that filter and score by any attribute.
class ScrapedAttribute {
 public:
  // The data key: producer as given, even if empty; when it is absent core-metrics-extractor.
  // Errors: invalid_config when `attribute` is empty, or holds a slash and no producer is given.
  // `field`: what the configuration calls the attribute.
  static Result<DataKey> key(std::string_view field, const std::string& attribute,
                             const std::optional<std::string>& producer);

  // Declares that the plugin reads the key if it is there.
  ScrapedAttribute(const DataKey& key, Setup& setup);

  // The values at this decision; nothing when no endpoint has ever told one.
  std::optional<LoadView> values(const Context& context) const;
  // Which core load it is, if it is one.
  std::optional<Load> load() const { return load_; }

 private:
  std::string key_;
  std::optional<Load> load_;
};

}  // namespace pointsman
