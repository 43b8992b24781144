#include "pointsman/plugins/parsers/grpc_frame.h"

#include <span>
#include <utility>

#include "pointsman/base/gzip.h"
#include "pointsman/base/proto_wire.h"

namespace pointsman {

namespace {

// A request of that many bytes is already larger than any model's context.
constexpr std::size_t kMostDecompressed = 32UL << 20U;

Result<std::string_view> decompressed(std::string_view message, Arena& arena) {
  POINTSMAN_TRY(size, gunzipped_size(message, kMostDecompressed));
  const std::span into(static_cast<char*>(arena.allocate(size, 1)), size);
  if (auto done = gunzip(message, into); !done) return std::unexpected(std::move(done).error());
  return std::string_view(into.data(), into.size());
}

}  // namespace

Result<std::string_view> grpc_message(std::string_view body, const Request& request, Arena& arena) {
  if (body.size() < GrpcPrefix::kBytes) {
    return fail(Code::bad_request,
                "invalid gRPC frame: expected at least 5 bytes for header, got " +
                    std::to_string(body.size()));
  }
  const GrpcPrefix prefix = GrpcPrefix::of(body);
  if (prefix.flag > 1) {
    return fail(Code::bad_request,
                "invalid gRPC frame: unknown flag " + std::to_string(prefix.flag));
  }
  const bool compressed = prefix.flag == 1 && request.header("grpc-encoding") == "gzip";
  if (prefix.flag != 0 && !compressed) {
    return fail(Code::bad_request, "compressed gRPC payload is not supported");
  }
  body.remove_prefix(GrpcPrefix::kBytes);
  if (prefix.size > body.size()) {
    return fail(Code::bad_request, "incomplete gRPC payload: header indicates " +
                                       std::to_string(prefix.size) + " bytes, but only " +
                                       std::to_string(body.size()) + " bytes are available");
  }
  const std::string_view message = body.substr(0, prefix.size);
  if (compressed) return decompressed(message, arena);
  return message;
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
