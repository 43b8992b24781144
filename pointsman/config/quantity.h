#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

// An amount in the grammar of Kubernetes: `10Gi`, `1k`, `1.5`, `100m`, `1e3`, `4294967296`.
struct Quantity {
  std::string text;        // as written
  std::int64_t value = 0;  // rounded away from zero to a whole number; saturates
  std::optional<std::int64_t>
      exact;  // only where Kubernetes converts exactly: whole, and small
              // enough for its int64 representation (`20Ei`, `1.5Mi` are not)

  bool operator==(const Quantity&) const = default;
};

// Errors: invalid_config with the text of the Kubernetes library, which for most mistakes names
// the regular expression that quantities match. More than 64 characters are refused.
Result<Quantity> parse_quantity(std::string_view text);

}  // namespace pointsman
