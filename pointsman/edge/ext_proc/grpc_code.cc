#include "pointsman/edge/ext_proc/grpc_code.h"

namespace pointsman {

GrpcStatus grpc_status(Code code) {
  switch (code) {
    case Code::bad_request:
    case Code::invalid_config:
      return GrpcStatus::invalid_argument;
    case Code::unauthorized:
      return GrpcStatus::unauthenticated;
    case Code::forbidden:
      return GrpcStatus::permission_denied;
    case Code::not_found:
      return GrpcStatus::not_found;
    case Code::precondition_failed:
      return GrpcStatus::failed_precondition;
    case Code::too_large:
    case Code::resource_exhausted:
      return GrpcStatus::resource_exhausted;
    case Code::bad_gateway:
    case Code::unavailable:
      return GrpcStatus::unavailable;
    case Code::timeout:
      return GrpcStatus::deadline_exceeded;
    case Code::cancelled:
      return GrpcStatus::cancelled;
    case Code::internal:
    case Code::io:
      return GrpcStatus::internal;
  }
  return GrpcStatus::unknown;
}

}  // namespace pointsman
