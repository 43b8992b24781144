#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pointsman {

enum class Align : std::uint8_t { left, right };

// Rows of cells as columns, two blanks apart, a line feed after each row. The first column stands
// to the left, the others as `rest` says.
std::string text_table(const std::vector<std::vector<std::string>>& rows, Align rest);

}  // namespace pointsman
