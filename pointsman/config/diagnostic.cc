#include "pointsman/config/diagnostic.h"

#include <string>

namespace pointsman {

std::string to_string(const Diagnostic& diagnostic) {
  std::string out;
  if (diagnostic.line > 0) {
    out = "line " + std::to_string(diagnostic.line) + ", column " +
          std::to_string(diagnostic.column) + ": ";
  }
  out += diagnostic.text;
  if (!diagnostic.hint.empty()) out += " (" + diagnostic.hint + ")";
  return out;
}

}  // namespace pointsman
