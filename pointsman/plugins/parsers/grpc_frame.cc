#include "pointsman/plugins/parsers/grpc_frame.h"

#include "pointsman/base/proto_wire.h"

namespace pointsman {

Result<std::string_view> grpc_message(std::string_view body) {
  if (body.size() < GrpcPrefix::kBytes) {
    return fail(Code::bad_request,
                "invalid gRPC frame: expected at least 5 bytes for header, got " +
                    std::to_string(body.size()));
  }
  const GrpcPrefix prefix = GrpcPrefix::of(body);
  if (prefix.flag != 0) {
    return fail(Code::bad_request, "compressed gRPC payload is not supported");
  }
  body.remove_prefix(GrpcPrefix::kBytes);
  if (prefix.size > body.size()) {
    return fail(Code::bad_request, "incomplete gRPC payload: header indicates " +
                                       std::to_string(prefix.size) + " bytes, but only " +
                                       std::to_string(body.size()) + " bytes are available");
  }
  return body.substr(0, prefix.size);
}

Error malformed_message(std::string_view type) {
  return {Code::bad_request,
          "unmarshaling " + std::string(type) + ": proto: cannot parse invalid wire-format data"};
}

bool find_bytes(std::string_view message, std::uint32_t number,
                std::optional<std::string_view>& found) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(number, ProtoType::bytes)) found = field.bytes;
  }
  return reader.ok();
}

}  // namespace pointsman
