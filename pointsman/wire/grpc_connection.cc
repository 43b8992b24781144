#include "pointsman/wire/grpc_connection.h"

#include <array>
#include <utility>

#include "pointsman/wire/http2_stream.h"

namespace pointsman {
namespace {

struct Head {
  std::string_view method;
  std::string_view path;
  std::string_view content_type;
  std::string_view encoding = "identity";
};

Head head_of(std::span<const Http2Field> fields) {
  Head head;
  for (const Http2Field& field : fields) {
    if (field.name == ":method") head.method = field.value;
    if (field.name == ":path") head.path = field.value;
    if (field.name == "content-type") head.content_type = field.value;
    if (field.name == "grpc-encoding") head.encoding = field.value;
  }
  return head;
}

// "application/grpc", alone or with a suffix such as "+proto".
bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!content_type.starts_with(kType)) return false;
  const std::string_view rest = content_type.substr(kType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';';
}

// What hears the rest of a request that was answered before it was read.
class Deaf final : public Http2Exchange {
 public:
  void received(std::string_view) override {}
  void half_closed() override {}
  void closed(bool) override {}
};

// It has no state, so that one will do for all.
Http2Exchange& deaf() {
  static Deaf one;
  return one;
}

}  // namespace

GrpcConnection::GrpcConnection(const GrpcRoutes& routes, const GrpcLimits& limits, BytePool& pool,
                               std::move_only_function<void()> output_ready)
    : routes_(routes),
      limits_(limits),
      pool_(pool),
      output_ready_(std::move(output_ready)),
      session_(limits_.http2, *this, pool) {}

GrpcCall& GrpcConnection::take() {
  if (spare_.empty()) return calls_.emplace_back();
  GrpcCall& call = *spare_.back();
  spare_.pop_back();
  return call;
}

Http2Exchange& GrpcConnection::accept(Http2Stream& stream, std::span<const Http2Field> fields) {
  const Head head = head_of(fields);
  const auto refuse = [&](std::string_view status) -> Http2Exchange& {
    const std::array<Http2Field, 1> answer{{{":status", status}}};
    stream.respond(answer, true);
    return deaf();
  };
  const auto unimplemented = [&](std::string_view message) -> Http2Exchange& {
    const std::array<Http2Field, 5> answer{{{":status", "200"},
                                            {"content-type", "application/grpc"},
                                            {"grpc-status", "12"},
                                            {"grpc-message", message},
                                            {"grpc-accept-encoding", "identity,gzip"}}};
    stream.respond(answer, true);
    return deaf();
  };
  if (head.method != "POST") return refuse("405");
  if (!is_grpc(head.content_type)) return refuse("415");
  const GrpcRoute* route = routes_.find(head.path);
  if (route == nullptr) return unimplemented("unknown service or method");
  auto encoding = GrpcCall::Encoding::identity;
  if (head.encoding == "gzip") {
    encoding = GrpcCall::Encoding::gzip;
  } else if (head.encoding != "identity") {
    return unimplemented("unknown grpc-encoding");
  }
  GrpcCall& call = take();
  call.begin(*this, stream, *route, encoding);
  return call;
}

}  // namespace pointsman
