#pragma once

#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

// The reference's name of a code: "BadRequest", "ResourceExhausted", ...; it stands in bodies and
// metric labels.
std::string_view code_name(Code code);

// The HTTP status a client gets.
int http_status(Code code);

// "inference error: <code> - <message>", the body of the reference's error responses.
std::string error_text(const Error& error);

}  // namespace pointsman
