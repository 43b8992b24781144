#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

enum class TlsVersion : std::uint8_t { v1_0, v1_1, v1_2, v1_3 };

struct TlsServerOptions {
  std::string certificate_file;  // PEM chain; with key_file. Both empty: a self-signed certificate
  std::string key_file;          // with a P-256 key, made now; `ciphers` that need an RSA key have
                                 // one of that kind beside it
  std::string client_ca_file;    // PEM; not empty: clients must show a certificate signed by it
  TlsVersion min_version = TlsVersion::v1_2;
  // IANA names; empty: OpenSSL's default. TLS 1.3 has its own, fixed set: where no other suites are
  // named, nothing older is spoken.
  std::vector<std::string> ciphers;
  std::vector<std::string> alpn;  // in order of preference, such as {"h2", "http/1.1"}
};

struct TlsClientOptions {
  bool verify = true;            // check the server's certificate and name
  std::string ca_file;           // PEM; empty: the system's
  std::string certificate_file;  // PEM chain, with key_file: what to show to a server that asks
  std::string key_file;
  std::vector<std::string> alpn;
};

// Keys, certificates and rules for the TLS connections of one side.
// Threading: any thread.
class TlsContext {
 public:
  struct Keys;  // one immutable generation of the above

  // Errors: invalid_config, naming the file and OpenSSL's reason; a certificate that does not
  // belong to the key is one; so is an unknown cipher name.
  static Result<std::shared_ptr<TlsContext>> server(TlsServerOptions options);
  static Result<std::shared_ptr<TlsContext>> client(const TlsClientOptions& options);

  // Reads the server's files again. New connections use them; an error keeps the old ones.
  Result<void> reload();

  std::shared_ptr<const Keys> keys() const;

  explicit TlsContext(TlsServerOptions options) : options_(std::move(options)) {}

 private:
  TlsServerOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;
};

}  // namespace pointsman
