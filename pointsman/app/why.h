#pragma once

#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

struct WhyOptions {
  std::string admin = "http://127.0.0.1:9090";
  std::string id = "last";  // 16 hex digits, or "last"
  bool json = false;
};

// Asks a running router for a decision and returns what to print. Errors say what to try.
Result<std::string> why(const WhyOptions& options);

// A decision, as the admin port describes it in JSON, as a table and a sentence.
Result<std::string> why_text(std::string_view json);

}  // namespace pointsman
