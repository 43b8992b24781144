#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>
#include <zlib.h>

#include <grpcpp/grpcpp.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h>

namespace pointsman {

namespace otlp_proto = opentelemetry::proto::collector::trace::v1;

// For tests: what a collector received, and how it is to answer.
struct Received {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<otlp_proto::ExportTraceServiceRequest> requests;
  std::vector<std::map<std::string, std::string>> headers;
  bool hold = false;  // answers wait

  void add(otlp_proto::ExportTraceServiceRequest request,
           std::map<std::string, std::string> metadata) {
    std::unique_lock lock(mutex);
    requests.push_back(std::move(request));
    headers.push_back(std::move(metadata));
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(30), [this] { return !hold; });
  }
  void release() {
    const std::lock_guard lock(mutex);
    hold = false;
    changed.notify_all();
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return requests.size();
  }
  bool wait_for(std::size_t least) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return requests.size() >= least; });
  }
};

// An OTLP/gRPC server of the official service definition, on a free loopback port.
class GrpcCollector final : public otlp_proto::TraceService::Service {
 public:
  explicit GrpcCollector(const std::shared_ptr<grpc::ServerCredentials>& credentials =
                             grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("localhost:0", credentials, &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  GrpcCollector(const GrpcCollector&) = delete;
  GrpcCollector& operator=(const GrpcCollector&) = delete;
  ~GrpcCollector() override {
    received.release();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  grpc::Status Export(grpc::ServerContext* context,
                      const otlp_proto::ExportTraceServiceRequest* request,
                      otlp_proto::ExportTraceServiceResponse* response) override {
    std::map<std::string, std::string> metadata;
    for (const auto& [name, value] : context->client_metadata()) {
      metadata[std::string(name.data(), name.size())] = std::string(value.data(), value.size());
    }
    received.add(*request, std::move(metadata));
    const std::scoped_lock lock(mutex_);
    response->mutable_partial_success()->set_rejected_spans(rejected_);
    return answer_;
  }

  int port() const { return port_; }

  // What it answers from now on.
  void answer(const grpc::Status& status) {
    const std::scoped_lock lock(mutex_);
    answer_ = status;
  }
  void reject(std::int64_t spans) {
    const std::scoped_lock lock(mutex_);
    rejected_ = spans;
  }

  Received received;

 private:
  int port_ = 0;
  std::mutex mutex_;
  grpc::Status answer_;
  std::int64_t rejected_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// An OTLP/HTTP server that reads one request per connection.
class HttpCollector {
 public:
  HttpCollector() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    listen(socket_, 16);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  HttpCollector(const HttpCollector&) = delete;
  HttpCollector& operator=(const HttpCollector&) = delete;
  ~HttpCollector() {
    received.release();
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1/traces"; }

  Received received;
  std::string status = "200 OK";
  std::string more_headers;
  std::int64_t rejected = 0;

 private:
  void run() {
    for (int peer = 0; (peer = accept(socket_, nullptr, nullptr)) >= 0; close(peer)) serve(peer);
  }

  void serve(int peer) {
    std::string text;
    std::string bytes(65536, '\0');
    std::size_t end = std::string::npos;
    std::size_t length = 0;
    std::map<std::string, std::string> headers;
    while (end == std::string::npos || text.size() < end + 4 + length) {
      const ssize_t n = recv(peer, bytes.data(), bytes.size(), 0);
      if (n <= 0) return;
      text.append(bytes.data(), static_cast<std::size_t>(n));
      if (end != std::string::npos || (end = text.find("\r\n\r\n")) == std::string::npos) continue;
      headers = parse(text.substr(0, end));
      length = std::stoul(headers["content-length"]);
    }
    std::string body = text.substr(end + 4);
    if (headers["content-encoding"] == "gzip") body = inflated(body);
    otlp_proto::ExportTraceServiceRequest request;
    request.ParseFromString(body);
    received.add(std::move(request), std::move(headers));
    otlp_proto::ExportTraceServiceResponse response;
    response.mutable_partial_success()->set_rejected_spans(rejected);
    const std::string payload = response.SerializeAsString();
    const std::string reply = "HTTP/1.1 " + status + "\r\n" + more_headers +
                              "Content-Type: application/x-protobuf\r\nConnection: close\r\n"
                              "Content-Length: " +
                              std::to_string(payload.size()) + "\r\n\r\n" + payload;
    send(peer, reply.data(), reply.size(), MSG_NOSIGNAL);
  }

  static std::map<std::string, std::string> parse(const std::string& head) {
    std::map<std::string, std::string> headers;
    headers[":request"] = head.substr(0, head.find("\r\n"));
    for (std::size_t at = head.find("\r\n"); at != std::string::npos;) {
      const std::size_t next = head.find("\r\n", at + 2);
      const std::string line = head.substr(at + 2, next - at - 2);
      std::string name = line.substr(0, line.find(": "));
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      headers[name] = line.substr(line.find(": ") + 2);
      at = next;
    }
    return headers;
  }

  static std::string inflated(std::string& bytes) {
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    std::string out(1'000'000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    inflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
  }

  const int socket_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace pointsman
