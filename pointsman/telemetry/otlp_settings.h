#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pointsman {

// What every span says about this process.
struct TraceResource {
  static constexpr std::string_view kSchema = "https://opentelemetry.io/schemas/1.37.0";

  std::map<std::string, std::string> attributes;
  std::string scope_version;
  std::string scope_commit;
};

enum class OtlpProtocol : std::uint8_t { grpc, http };

// Where and how spans are sent (OTEL_EXPORTER_OTLP_*).
struct OtlpSettings {
  OtlpProtocol protocol = OtlpProtocol::grpc;
  std::string target = "localhost:4317";  // gRPC: host:port or unix:path; HTTP: the URL
  bool plaintext = true;                  // gRPC only; HTTP has its scheme
  std::string ca_file;                    // PEM; empty: those of the system
  std::string client_certificate_file;    // PEM, with the key: mutual TLS
  std::string client_key_file;
  std::vector<std::pair<std::string, std::string>> headers;  // lower-case names. May hold secrets
  bool gzip = false;
  std::chrono::milliseconds timeout{10'000};  // of one attempt
};

}  // namespace pointsman
