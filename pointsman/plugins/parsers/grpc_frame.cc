#include "pointsman/plugins/parsers/grpc_frame.h"

#include <string>

namespace pointsman {

GrpcHeader grpc_header(std::string_view frame) {
  GrpcHeader header{.compressed = frame[0] != '\0', .size = 0};
  for (const char byte : frame.substr(1, kGrpcHeader - 1)) {
    header.size = header.size << 8U | static_cast<std::uint8_t>(byte);
  }
  return header;
}

Result<std::string_view> grpc_message(std::string_view body) {
  if (body.size() < kGrpcHeader) {
    return fail(Code::bad_request,
                "invalid gRPC frame: expected at least 5 bytes for header, got " +
                    std::to_string(body.size()));
  }
  const GrpcHeader header = grpc_header(body);
  if (header.compressed) {
    return fail(Code::bad_request, "compressed gRPC payload is not supported");
  }
  body.remove_prefix(kGrpcHeader);
  if (header.size > body.size()) {
    return fail(Code::bad_request, "incomplete gRPC payload: header indicates " +
                                       std::to_string(header.size) + " bytes, but only " +
                                       std::to_string(body.size()) + " bytes are available");
  }
  return body.substr(0, header.size);
}

}  // namespace pointsman
