#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/grpcpp.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h>

#include "pointsman/otlp/encoder.h"
#include "pointsman/otlp/sinks.h"

namespace pointsman {
namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;
using opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;
using opentelemetry::proto::collector::trace::v1::TraceService;

constexpr int kMaxReconnectMs = 10'000;  // gRPC's own 2 minutes would outlive every retry

// The first field `number` of a serialized message that is text, bytes or a message; or empty.
std::string bytes_of(const std::string& message, int number) {
  UnknownFieldSet fields;
  fields.ParseFromString(message);
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() == number && field.type() == UnknownField::TYPE_LENGTH_DELIMITED) {
      return field.length_delimited();
    }
  }
  return {};
}

std::int64_t number_of(const std::string& message, int number) {
  UnknownFieldSet fields;
  fields.ParseFromString(message);
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() == number && field.type() == UnknownField::TYPE_VARINT) {
      return static_cast<std::int64_t>(field.varint());
    }
  }
  return 0;
}

// The delay of a google.rpc.RetryInfo among the details of a google.rpc.Status, read field by
// field: Status.details = 3, Any.type_url = 1, Any.value = 2, RetryInfo.retry_delay = 1,
// Duration.seconds = 1, Duration.nanos = 2.
std::optional<std::chrono::milliseconds> retry_info(const std::string& status) {
  UnknownFieldSet fields;
  fields.ParseFromString(status);
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() != 3 || field.type() != UnknownField::TYPE_LENGTH_DELIMITED) continue;
    const std::string& any = field.length_delimited();
    if (!bytes_of(any, 1).ends_with("/google.rpc.RetryInfo")) continue;
    const std::string delay = bytes_of(bytes_of(any, 2), 1);
    const std::int64_t seconds = std::clamp<std::int64_t>(number_of(delay, 1), 0, 3600);
    return std::chrono::milliseconds(1000 * seconds + number_of(delay, 2) / 1'000'000);
  }
  return std::nullopt;
}

SendOutcome outcome_of(const grpc::Status& status, const ExportTraceServiceResponse& response) {
  if (status.ok()) {
    const auto& partial = response.partial_success();
    const auto rejected = std::max<std::int64_t>(partial.rejected_spans(), 0);
    return {.rejected = static_cast<std::uint64_t>(rejected), .detail = partial.error_message()};
  }
  SendOutcome outcome{.kind = SendOutcome::Kind::refused, .detail = status.error_message()};
  switch (status.error_code()) {
    case grpc::CANCELLED:
    case grpc::DEADLINE_EXCEEDED:
    case grpc::ABORTED:
    case grpc::OUT_OF_RANGE:
    case grpc::UNAVAILABLE:
    case grpc::DATA_LOSS:
      outcome.kind = SendOutcome::Kind::retry;
      break;
    default:
      break;
  }
  if (const auto delay = retry_info(status.error_details())) {
    outcome.retry_after = *delay;
    if (status.error_code() == grpc::RESOURCE_EXHAUSTED) outcome.kind = SendOutcome::Kind::retry;
  }
  return outcome;
}

class GrpcSink final : public SpanSink {
 public:
  GrpcSink(const OtlpSettings& settings, const TraceResource& resource,
           const std::shared_ptr<grpc::Channel>& channel)
      : settings_(settings), encoder_(resource), stub_(TraceService::NewStub(channel)) {}

  SendOutcome send(std::span<const FinishedSpan> spans, std::chrono::milliseconds limit) override {
    google::protobuf::Arena arena;
    auto* const request = google::protobuf::Arena::CreateMessage<OtlpRequest>(&arena);
    encoder_.encode(spans, *request);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::min(limit, settings_.timeout));
    for (const auto& [name, value] : settings_.headers) context.AddMetadata(name, value);
    if (!enter(&context)) return {.kind = SendOutcome::Kind::retry, .detail = "cancelled"};
    ExportTraceServiceResponse response;
    const grpc::Status status = stub_->Export(&context, *request, &response);
    enter(nullptr);
    return outcome_of(status, response);
  }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (under_way_ != nullptr) under_way_->TryCancel();
  }

 private:
  bool enter(grpc::ClientContext* context) {
    const std::lock_guard lock(mutex_);
    under_way_ = context;
    return !cancelled_;
  }

  const OtlpSettings settings_;
  OtlpEncoder encoder_;
  const std::unique_ptr<TraceService::Stub> stub_;

  std::mutex mutex_;
  grpc::ClientContext* under_way_ = nullptr;
  bool cancelled_ = false;
};

}  // namespace

Result<std::unique_ptr<SpanSink>> make_grpc_sink(const OtlpSettings& settings,
                                                 const TraceResource& resource) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!settings.plaintext) {
    POINTSMAN_TRY(roots, read_pem(settings.ca_file));
    POINTSMAN_TRY(certificate, read_pem(settings.client_certificate_file));
    POINTSMAN_TRY(key, read_pem(settings.client_key_file));
    if (roots.empty()) {  // the roots that gRPC's package brings are not those of the system
      roots = read_pem("/etc/ssl/certs/ca-certificates.crt").value_or("");
    }
    credentials = grpc::SslCredentials(
        {.pem_root_certs = roots, .pem_private_key = key, .pem_cert_chain = certificate});
  }
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("pointsman");
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  if (settings.gzip) arguments.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
  const auto channel = grpc::CreateCustomChannel(settings.target, credentials, arguments);
  return std::make_unique<GrpcSink>(settings, resource, channel);
}

}  // namespace pointsman
