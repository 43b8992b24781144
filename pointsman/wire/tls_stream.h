#pragma once

// Internal to wire/*.cc: it names OpenSSL.

#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>

#include "pointsman/wire/stream.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslContextPtr = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;

struct TlsContext::Keys {
  SslContextPtr context;
  bool client = false;
  bool verify = false;
  std::string alpn;  // a server's, as on the wire: each name with its length before it
};

// The newest reason in OpenSSL's queue of this thread, which is emptied.
std::string openssl_reason();

// TLS over another stream. OpenSSL works on memory; the stream beneath carries the bytes.
class TlsStream final : public Stream {
 public:
  using Done = std::move_only_function<void(Result<void>)>;

  TlsStream(std::unique_ptr<Stream> under, const TlsContext& context,
            const std::string& server_name);
  ~TlsStream() override;

  // Does the handshake and calls `done` from the loop. The other functions wait until then.
  void handshake(Done done);

  void when_readable(Ready ready) override;
  void ignore_readable() override;
  void when_over(Ready ready) override;
  void when_writable(Ready ready) override;
  Result<ReadResult> read(std::span<char> into) override;
  Result<std::size_t> write(std::span<const std::string_view> parts) override;
  void finish() override;
  void close(bool reset) override;
  bool open() const override { return under_->open(); }
  const Address& peer() const override { return under_->peer(); }
  std::string_view alpn() const override { return alpn_; }
  Loop& loop() override { return under_->loop(); }

 private:
  Result<bool> fetch();  // moves bytes from below into OpenSSL; false: there were none
  Result<void> flush();  // moves bytes from OpenSSL to below, as far as it takes them
  void wake_flush();     // waits to flush the rest
  Result<void> shake();
  void shook(Result<void> result);
  std::unexpected<Error> failure(std::string_view what) const;

  std::unique_ptr<Stream> under_;
  std::shared_ptr<const TlsContext::Keys> keys_;
  SslPtr ssl_;
  BIO* in_ = nullptr;   // owned by ssl_
  BIO* out_ = nullptr;  // owned by ssl_
  std::string rest_;    // ciphertext that the stream beneath has not taken
  std::size_t rest_at_ = 0;
  std::string alpn_;
  Done shaken_;
  Ready readable_;
  Ready writable_;
  bool drained_ = true;  // the last read() left nothing behind in OpenSSL
  bool ended_ = false;   // nothing more comes from below
  bool finish_ = false;  // end below once everything is flushed
  bool waking_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pointsman
