#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <zlib.h>

#include <opentelemetry/ext/http/client/http_client.h>
#include <opentelemetry/ext/http/client/http_client_factory.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include "pointsman/otlp/encoder.h"
#include "pointsman/otlp/sinks.h"

namespace http = opentelemetry::ext::http::client;

namespace pointsman {
namespace {

using opentelemetry::nostd::string_view;
using opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;

constexpr int kGzipWindow = 15 + 16;  // zlib's largest window, with a gzip header

http::Body gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  http::Body out(deflateBound(&stream, bytes.size()));
  std::string input = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

SendOutcome outcome_of(http::Response& response) {
  const http::StatusCode status = response.GetStatusCode();
  const http::Body& body = response.GetBody();
  if (status >= 200 && status < 300) {
    ExportTraceServiceResponse parsed;
    parsed.ParseFromArray(body.data(), static_cast<int>(body.size()));
    const auto& partial = parsed.partial_success();
    const auto rejected = std::max<std::int64_t>(partial.rejected_spans(), 0);
    return {.rejected = static_cast<std::uint64_t>(rejected), .detail = partial.error_message()};
  }
  const bool retry = status == 429 || status == 502 || status == 503 || status == 504;
  SendOutcome outcome{.kind = retry ? SendOutcome::Kind::retry : SendOutcome::Kind::refused,
                      .detail = "HTTP status " + std::to_string(status)};
  response.ForEachHeader("retry-after", [&outcome](string_view, string_view value) {
    int seconds = 0;
    std::from_chars(value.data(), value.data() + value.size(), seconds);
    outcome.retry_after = std::chrono::seconds(std::clamp(seconds, 0, 3600));
    return true;
  });
  return outcome;
}

// The end of one exchange, awaited by the sender and told by the client's own thread.
class Answer final : public http::EventHandler {
 public:
  void OnResponse(http::Response& response) noexcept override { end(outcome_of(response)); }

  void OnEvent(http::SessionState state, string_view reason) noexcept override {
    switch (state) {
      case http::SessionState::CreateFailed:
        return fail("request cannot be made", reason);
      case http::SessionState::ConnectFailed:
        return fail("connection failed", reason);
      case http::SessionState::SendFailed:
        return fail("send failed", reason);
      case http::SessionState::SSLHandshakeFailed:
        return fail("TLS handshake failed", reason);
      case http::SessionState::TimedOut:
        return fail("timed out", reason);
      case http::SessionState::NetworkError:
        return fail("network error", reason);
      case http::SessionState::ReadError:
        return fail("read error", reason);
      case http::SessionState::WriteError:
        return fail("write error", reason);
      case http::SessionState::Cancelled:
        return fail("cancelled", reason);
      default:
        return;
    }
  }

  void fail(std::string what, string_view reason) {
    if (!reason.empty()) what.append(": ").append(reason.data(), reason.size());
    end({.kind = SendOutcome::Kind::retry, .detail = std::move(what)});
  }

  SendOutcome wait(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (!ended_.wait_for(lock, limit, [this] { return done_; })) {
      return {.kind = SendOutcome::Kind::retry, .detail = "timed out"};
    }
    return outcome_;
  }

 private:
  // The first end counts: a cancelled exchange may tell of more than one.
  void end(SendOutcome outcome) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(done_, true)) return;
    outcome_ = std::move(outcome);
    ended_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  SendOutcome outcome_;
};

class HttpSink final : public SpanSink {
 public:
  HttpSink(const OtlpSettings& settings, const TraceResource& resource)
      : settings_(settings),
        encoder_(resource),
        tls_(settings.target, false, settings.ca_file, "", settings.client_key_file, "",
             settings.client_certificate_file, "", "", "", "", ""),
        client_(http::HttpClientFactory::Create()) {}

  SendOutcome send(std::span<const FinishedSpan> spans, std::chrono::milliseconds limit) override {
    OtlpRequest message;
    encoder_.encode(spans, message);
    const std::string bytes = message.SerializeAsString();
    http::Body body = settings_.gzip ? gzip(bytes) : http::Body(bytes.begin(), bytes.end());

    limit = std::min(limit, settings_.timeout);
    const auto session = client_->CreateSession(settings_.target);
    const auto request = session->CreateRequest();
    request->SetMethod(http::Method::Post);
    request->SetUri(path());
    request->SetSslOptions(tls_);
    request->SetTimeoutMs(limit);
    for (const auto& [name, value] : settings_.headers) request->AddHeader(name, value);
    request->ReplaceHeader("content-type", "application/x-protobuf");
    request->ReplaceHeader("user-agent", "pointsman");
    if (settings_.gzip) request->ReplaceHeader("content-encoding", "gzip");
    request->SetBody(body);

    const auto answer = std::make_shared<Answer>();
    if (!enter(answer)) return {.kind = SendOutcome::Kind::retry, .detail = "cancelled"};
    session->SendRequest(answer);
    SendOutcome outcome = answer->wait(limit + std::chrono::seconds(1));
    enter(nullptr);
    session->CancelSession();
    return outcome;
  }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (under_way_ != nullptr) under_way_->fail("cancelled", "");
  }

 private:
  bool enter(const std::shared_ptr<Answer>& answer) {
    const std::lock_guard lock(mutex_);
    under_way_ = answer;
    return !cancelled_;
  }

  // What follows the host and its slash: a session takes only that part of the URL.
  std::string path() const {
    const std::size_t slash = settings_.target.find('/', settings_.target.find("://") + 3);
    return slash == std::string::npos ? "" : settings_.target.substr(slash + 1);
  }

  const OtlpSettings settings_;
  OtlpEncoder encoder_;
  const http::HttpSslOptions tls_;
  const std::shared_ptr<http::HttpClient> client_;

  std::mutex mutex_;
  std::shared_ptr<Answer> under_way_;
  bool cancelled_ = false;
};

}  // namespace

Result<std::unique_ptr<SpanSink>> make_http_sink(const OtlpSettings& settings,
                                                 const TraceResource& resource) {
  for (const std::string& file :
       {settings.ca_file, settings.client_certificate_file, settings.client_key_file}) {
    if (const auto readable = read_pem(file); !readable) {
      return std::unexpected(readable.error());
    }
  }
  return std::make_unique<HttpSink>(settings, resource);
}

}  // namespace pointsman
