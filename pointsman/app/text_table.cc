#include "pointsman/app/text_table.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

namespace pointsman {

std::string text_table(const std::vector<std::vector<std::string>>& rows, Align rest) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool left = c == 0 || rest == Align::left;
      line += left ? fmt::format("{:<{}}  ", row[c], widths[c])
                   : fmt::format("{:>{}}  ", row[c], widths[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace pointsman
