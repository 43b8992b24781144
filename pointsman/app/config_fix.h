#pragma once

#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/config/diagnostic.h"

namespace pointsman {

// What `check --fix` makes of a document.
struct ConfigFix {
  std::string text;        // the document with today's spellings; untouched bytes are the same
  std::string difference;  // from the document to `text`
  Diagnostics changes;     // one per old spelling
  Diagnostics problems;    // what keeps `text` from loading; only without any may it be written
};

// Replaces what the table of renames translates, then loads the result, warnings included: a
// document is fixed when nothing in it is deprecated by the table any more.
ConfigFix fix_configuration(std::string_view text, bool allow_experimental_plugins);

// Where the result goes by default: `epp.yaml` becomes `epp.fixed.yaml`; no name: `-`.
std::string fixed_name(std::string_view file);

// Writes a file as a whole: under another name first, then renamed over `path`, whose mode is
// kept. Errors: io, naming the path; also when it exists and `overwrite` is false.
Result<void> write_file(const std::string& path, std::string_view text, bool overwrite);

}  // namespace pointsman
