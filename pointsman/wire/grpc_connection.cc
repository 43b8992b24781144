#include "pointsman/wire/grpc_connection.h"

#include <algorithm>
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

constexpr std::string_view kRefusal = "this port speaks gRPC only\n";

}  // namespace

// A request that is no gRPC call. It is answered when it is complete: a client that is still
// sending would often not look for an answer.
class GrpcConnection::Refused final : public Http2Exchange {
 public:
  void begin(GrpcConnection& of, Http2Stream& stream, std::string_view status) {
    connection_ = &of;
    stream_ = &stream;
    status_ = status;
  }
  void received(std::string_view bytes) override { stream_->credit(bytes.size()); }
  void half_closed() override {
    if (stream_->responded()) return;
    const std::array<Http2Field, 2> head{
        {{":status", status_}, {"content-type", "text/plain; charset=utf-8"}}};
    stream_->respond(head);
    std::ranges::copy(kRefusal, stream_->reserve(kRefusal.size()).begin());
    stream_->commit(kRefusal.size());
    stream_->finish({});
  }
  void closed(bool) override { connection_->spare_refused_.push_back(this); }

 private:
  GrpcConnection* connection_ = nullptr;
  Http2Stream* stream_ = nullptr;
  std::string_view status_;
};

GrpcConnection::GrpcConnection(const GrpcRoutes& routes, const GrpcLimits& limits, BytePool& pool,
                               std::move_only_function<void()> output_ready)
    : routes_(routes),
      limits_(limits),
      pool_(pool),
      output_ready_(std::move(output_ready)),
      session_(limits_.http2, *this, pool) {}

GrpcConnection::~GrpcConnection() = default;

Http2Exchange& GrpcConnection::refuse(Http2Stream& stream, std::string_view status) {
  if (spare_refused_.empty()) spare_refused_.push_back(&refused_.emplace_back());
  Refused& refused = *spare_refused_.back();
  spare_refused_.pop_back();
  refused.begin(*this, stream, status);
  return refused;
}

GrpcCall& GrpcConnection::take() {
  if (spare_.empty()) return calls_.emplace_back();
  GrpcCall& call = *spare_.back();
  spare_.pop_back();
  return call;
}

Http2Exchange& GrpcConnection::accept(Http2Stream& stream, std::span<const Http2Field> fields) {
  const Head head = head_of(fields);
  const auto unimplemented = [&](std::string_view message) -> Http2Exchange& {
    const std::array<Http2Field, 5> answer{{{":status", "200"},
                                            {"content-type", "application/grpc"},
                                            {"grpc-status", "12"},
                                            {"grpc-message", message},
                                            {"grpc-accept-encoding", "identity,gzip"}}};
    stream.respond(answer, true);
    return refuse(stream, {});
  };
  if (head.method != "POST") return refuse(stream, "405");
  if (!is_grpc(head.content_type)) return refuse(stream, "415");
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
