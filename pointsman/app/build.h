#pragma once

#include <string_view>

namespace pointsman {

// The commit that this was built from, as CMake's POINTSMAN_COMMIT says; empty: it does not.
std::string_view build_commit();

}  // namespace pointsman
