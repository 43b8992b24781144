#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pointsman/model/fleet.h"

namespace pointsman {

// Writes a fleet, whole or as what differs from `base` (null: whole). The payload of a fleet frame
// is a number of its own, that of the base plus one or 0, and this.
void encode_fleet(const Fleet& fleet, const Fleet* base, std::string& out);

// The fleet that was written. Null when the bytes are damaged or over a limit.
std::shared_ptr<const Fleet> decode_fleet(std::string_view bytes, const Fleet* base);

}  // namespace pointsman
