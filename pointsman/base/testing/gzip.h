#pragma once

#include <string>
#include <string_view>

#include "pointsman/base/gzip.h"

namespace pointsman::testing {

// A gzip file of one member.
inline std::string gzipped(std::string_view plain) {
  return gzip(plain).value();
}

}  // namespace pointsman::testing
