#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace pointsman {

// Why something expected went wrong. One function per wire maps these to statuses.
enum class Code : std::uint8_t {
  invalid_config,       // a document, flag or parameter the operator must correct
  bad_request,          // 400
  unauthorized,         // 401
  forbidden,            // 403
  not_found,            // 404
  precondition_failed,  // 412
  too_large,            // 413
  resource_exhausted,   // 429
  internal,             // 500
  bad_gateway,          // 502
  unavailable,          // 503
  timeout,              // 504
  io,                   // a socket or file operation failed; never reaches a client as such
  cancelled,            // the other side went away
};

// An expected failure. `message` names where and what, for the person who reads it.
struct Error {
  Code code = Code::internal;
  std::string message;
  // One word more for machines, or empty: what begins with "rejected" is a value of
  // x-llm-d-request-dropped-reason, the rest are codes of OpenAI's errors. Points to a literal.
  std::string_view drop_reason = {};
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message,
                                   std::string_view drop_reason = {}) {
  return std::unexpected(Error{code, std::move(message), drop_reason});
}

// Binds `name` to the value of `expr`, or returns its error from the enclosing function.
// The only control-flow macro in the project.
#define POINTSMAN_TRY(name, expr)                                               \
  auto name##_result = (expr);                                                  \
  if (!name##_result) return std::unexpected(std::move(name##_result).error()); \
  auto name = *std::move(name##_result)

}  // namespace pointsman
