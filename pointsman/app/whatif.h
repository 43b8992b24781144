#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pointsman/app/record_files.h"

namespace pointsman {

struct WhatIfOptions {
  std::vector<std::string> paths;  // files and folders
  std::string config_file;
};

struct WhatIfReport {
  // What one endpoint got, and would get.
  struct Share {
    std::size_t then = 0;
    std::size_t now = 0;
    // How much better the new configuration thinks its own choice, over the picks made then that
    // it still has as candidates.
    double regret = 0.0;
    std::size_t judged = 0;
  };
  RecordTotals record;
  std::string config_file;
  std::size_t judged = 0;
  std::size_t skipped = 0;
  std::size_t changed = 0;      // picks
  std::size_t redrawn = 0;      // of these: the old pick has the same total, chance chose another
  std::size_t filtered = 0;     // of these: the old pick does not pass the new filters
  std::size_t nobody_then = 0;  // no pick then, one now
  std::size_t nobody_now = 0;
  double regret = 0.0;                  // sum, as above
  std::size_t known_prefixes = 0;       // decisions where both picks' cached tokens were predicted
  std::int64_t predicted_then = 0;      // cached tokens at the picks made
  std::int64_t predicted_now = 0;       // and at those of the new configuration
  std::map<std::string, Share> shares;  // by endpoint id
  std::vector<std::string> missing;     // signals that the new configuration reads and lacks
  std::vector<std::string> headers;     // likewise
};

// Lets another configuration decide the recorded decisions, each for itself.
// Errors: io, invalid_config.
Result<WhatIfReport> what_if(const WhatIfOptions& options);

// The report in words, its limits included.
std::string to_text(const WhatIfReport& report);

}  // namespace pointsman
