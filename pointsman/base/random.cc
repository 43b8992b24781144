#include "pointsman/base/random.h"

#include <random>

namespace pointsman {

std::uint64_t entropy() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

}  // namespace pointsman
