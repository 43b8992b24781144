#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

// A parameter that breaks its rule, in the words of the reference's prefix producers.
inline std::unexpected<Error> invalid_value(std::string_view rule, const std::string& value) {
  return fail(Code::invalid_config,
              "invalid configuration: " + std::string(rule) + " (current value: " + value + ")");
}
inline std::unexpected<Error> invalid_value(std::string_view rule, int value) {
  return invalid_value(rule, std::to_string(value));
}

}  // namespace pointsman
