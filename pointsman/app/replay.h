#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pointsman/app/record_files.h"

namespace pointsman {

struct RecordReplayOptions {
  std::vector<std::string> paths;  // files and folders
  std::string config_file;         // empty: each decision's own configuration
  std::size_t threads = 0;         // 0: one per core
};

struct ReplayReport {
  RecordTotals record;
  std::size_t identical = 0;
  std::size_t different = 0;
  std::size_t skipped = 0;  // their inputs are not whole, or nothing was scheduled
  std::string first;        // the first difference, told; empty: there is none
};

// Decides every recorded decision again and compares runs, candidates, the exact scores (by their
// hashes) and picks. Errors: io, invalid_config.
Result<ReplayReport> replay(const RecordReplayOptions& options);

// The report in words.
std::string to_text(const ReplayReport& report);

}  // namespace pointsman
