#include "pointsman/wire/grpc_health.h"

#include <utility>

#include "pointsman/base/proto_wire.h"

namespace pointsman {
namespace {

// HealthCheckRequest{service = 1}. The last one wins, as in every protobuf parser.
bool read_service(std::string_view request, std::string_view& service) {
  ProtoReader reader(request);
  for (ProtoField field; reader.next(field);) {
    if (field.is(1, ProtoType::bytes)) service = field.bytes;
  }
  return reader.ok();
}

// HealthCheckResponse{status = 1}
std::string status_message(Serving status) {
  if (status == Serving::unknown) return {};
  return {'\x08', static_cast<char>(status)};
}

// HealthListResponse{statuses = 1: map of service to HealthCheckResponse}
std::string list_entry(std::string_view service, Serving status) {
  const std::string value = status_message(status);
  const std::size_t entry = bytes_field_size(1, service.size()) + bytes_field_size(2, value.size());
  std::string out(bytes_field_size(1, entry), '\0');
  ProtoWriter writer(out.data());
  writer.open(1, entry);
  writer.bytes(1, service);
  writer.bytes(2, value);
  return out;
}

}  // namespace

void add_health(GrpcRoutes& routes, const std::function<Serving(std::string_view)>& state,
                std::vector<std::string> listed) {
  routes.unary("/grpc.health.v1.Health/Check", [state](std::string_view request) {
    std::string_view service;
    if (!read_service(request, service)) {
      return GrpcReply{GrpcStatus::internal, "the request is not a HealthCheckRequest", {}};
    }
    return GrpcReply{GrpcStatus::ok, {}, status_message(state(service))};
  });
  routes.unary("/grpc.health.v1.Health/List",
               [state, listed = std::move(listed)](std::string_view) {
                 GrpcReply reply;
                 for (const std::string& service : listed) {
                   reply.body += list_entry(service, state(service));
                 }
                 return reply;
               });
  routes.unary("/grpc.health.v1.Health/Watch", [](std::string_view) {
    return GrpcReply{GrpcStatus::unimplemented, "Watch is not implemented", {}};
  });
}

}  // namespace pointsman
