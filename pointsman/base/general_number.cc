#include "pointsman/base/general_number.h"

#include <array>
#include <charconv>
#include <cmath>

namespace pointsman {

std::string general_number(double value) {
  const double size = std::abs(value);
  const bool scientific = size != 0.0 && (size < 1e-4 || size >= 1e6);
  std::array<char, 32> text{};  // the longest is -2.2250738585072014e-308
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value, format).ptr};
}

}  // namespace pointsman
