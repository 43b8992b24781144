#pragma once

#include <expected>
#include <string>

#include "pointsman/base/result.h"

namespace pointsman {

// What a command says that asks a running router and gets no answer.
inline std::unexpected<Error> no_router(const std::string& admin, const Error& cause) {
  return fail(Code::unavailable, "no router answers at " + admin + " (" + cause.message +
                                     "); --admin URL says where its admin port is");
}

}  // namespace pointsman
