#include "pointsman/wire/grpc_health.h"

#include <memory>
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

constexpr std::string_view kNoRequest = "the request is not a HealthCheckRequest";

}  // namespace

// One call, in `open_` from its request to its end.
class HealthWatches::Watch final : public GrpcReceiver {
 public:
  Watch(HealthWatches& all, GrpcCall& call) : all_(all), call_(call) {}
  ~Watch() override { leave(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void received(std::string_view message) override {
    std::string_view service;
    if (asked_) return finish(GrpcStatus::internal, "a watch is asked for by one message");
    asked_ = true;
    if (!read_service(message, service)) return finish(GrpcStatus::internal, kNoRequest);
    if (service.size() > kLongestName) {
      return finish(GrpcStatus::invalid_argument, "the name of the service is too long");
    }
    if (all_.open_.size() >= kMost) {
      return finish(GrpcStatus::resource_exhausted, "too many watches are open");
    }
    service_ = service;
    all_.open_.push_back(this);
    tell(all_.state_(service_));
    if (all_.ended_) end();
  }
  void half_closed() override {
    if (!asked_) finish(GrpcStatus::internal, "a watch is asked for by one message");
  }
  void cancelled(GrpcStatus, std::string_view) override { leave(); }

  void look() {
    if (const Serving now = all_.state_(service_); now != told_) tell(now);
  }
  void end() { finish(GrpcStatus::unavailable, "the server is draining"); }

 private:
  void tell(Serving now) {
    told_ = now;
    call_.write(status_message(now));
  }
  void finish(GrpcStatus status, std::string_view why) {
    leave();
    call_.finish(status, why);
  }
  void leave() { std::erase(all_.open_, this); }

  HealthWatches& all_;
  GrpcCall& call_;
  std::string service_;
  Serving told_ = Serving::unknown;
  bool asked_ = false;
};

void HealthWatches::look() {
  for (Watch* const watch : open_) watch->look();
}

void HealthWatches::end() {
  ended_ = true;
  while (!open_.empty()) open_.back()->end();
}

void add_health(GrpcRoutes& routes, const HealthState& state, std::vector<std::string> listed,
                HealthWatches* watches) {
  routes.unary("/grpc.health.v1.Health/Check", [state](std::string_view request) {
    std::string_view service;
    if (!read_service(request, service)) {
      return GrpcReply{GrpcStatus::internal, std::string(kNoRequest), {}};
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
  constexpr std::string_view kWatch = "/grpc.health.v1.Health/Watch";
  if (watches != nullptr) {
    return routes.streaming(std::string(kWatch), [watches](GrpcCall& call) {
      return std::make_unique<HealthWatches::Watch>(*watches, call);
    });
  }
  routes.unary(std::string(kWatch), [](std::string_view) {
    return GrpcReply{GrpcStatus::unimplemented, "Watch is not implemented", {}};
  });
}

}  // namespace pointsman
