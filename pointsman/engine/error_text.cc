#include "pointsman/engine/error_text.h"

namespace pointsman {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::bad_request:
      return "BadRequest";
    case Code::unauthorized:
      return "Unauthorized";
    case Code::forbidden:
      return "Forbidden";
    case Code::not_found:
      return "NotFound";
    case Code::precondition_failed:
      return "PreconditionFailed";
    case Code::too_large:
      return "RequestTooLarge";
    case Code::resource_exhausted:
      return "ResourceExhausted";
    case Code::unavailable:
      return "ServiceUnavailable";
    case Code::bad_gateway:
      return "BadGateway";
    case Code::timeout:
      return "Timeout";
    case Code::cancelled:
      return "Canceled";
    case Code::internal:
    case Code::io:
    case Code::invalid_config:
      return "Internal";
  }
  return "Unknown";
}

int http_status(Code code) {
  switch (code) {
    case Code::bad_request:
      return 400;
    case Code::unauthorized:
      return 401;
    case Code::forbidden:
      return 403;
    case Code::not_found:
      return 404;
    case Code::precondition_failed:
      return 412;
    case Code::too_large:
      return 413;
    case Code::resource_exhausted:
      return 429;
    case Code::bad_gateway:
      return 502;
    case Code::unavailable:
      return 503;
    case Code::timeout:
      return 504;
    case Code::internal:
    case Code::io:
    case Code::invalid_config:
    case Code::cancelled:
      return 500;
  }
  return 500;
}

std::string error_text(const Error& error) {
  return "inference error: " + std::string(code_name(error.code)) + " - " + error.message;
}

}  // namespace pointsman
