#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pointsman {

// Position of an endpoint in one Fleet.
using EndpointIndex = std::uint32_t;
inline constexpr EndpointIndex kNoEndpoint = UINT32_MAX;

// A configured plugin as logs, spans and metrics know it. The text form is "<name>/<type>".
struct TypedName {
  std::string type;
  std::string name;

  std::string text() const { return name + "/" + type; }
  bool operator==(const TypedName&) const = default;
};

// What a producer provides and others read. The text form is "<type>/<producer>".
struct DataKey {
  std::string type;
  std::string producer;

  std::string text() const { return type + "/" + producer; }
  bool operator==(const DataKey&) const = default;

  // This key of another producer; unchanged when `name` is empty.
  DataKey from(std::string_view name) const {
    return name.empty() ? *this : DataKey{type, std::string(name)};
  }
};

}  // namespace pointsman
