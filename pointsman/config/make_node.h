#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pointsman/config/node.h"

namespace pointsman {

// New values; they stand nowhere (line 0).
Node text_node(std::string_view text);
Node whole_node(std::int64_t value);
Node number_node(double value);
Node flag_node(bool value);
Node list_node(std::vector<Node> items = {});
Node map_node(std::vector<Member> members = {});

}  // namespace pointsman
