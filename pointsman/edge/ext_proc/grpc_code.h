#pragma once

#include "pointsman/base/result.h"
#include "pointsman/wire/grpc_call.h"

namespace pointsman {

// The gRPC status of an error, as google/rpc/code.proto maps HTTP's
// (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto).
GrpcStatus grpc_status(Code code);

}  // namespace pointsman
