#include "pointsman/stage/state_dumper.h"

#include <algorithm>

#include "pointsman/base/quoted_json.h"

namespace pointsman {

std::string endpoints_state(const std::vector<std::string>& ids, std::size_t total) {
  constexpr std::size_t kMost = 100;
  std::string out = R"({"endpoints":)";
  if (ids.empty()) {
    out += "null";
  } else {
    for (std::size_t i = 0; i < std::min(ids.size(), kMost); ++i) {
      out += i == 0 ? '[' : ',';
      append_quoted_json(out, ids[i]);
    }
    out += ']';
  }
  return out + R"(,"totalEndpoints":)" + std::to_string(total) + R"(,"maxEndpoints":)" +
         std::to_string(kMost) + "}";
}

}  // namespace pointsman
