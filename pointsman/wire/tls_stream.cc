#include "pointsman/wire/tls_stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <utility>

#include "pointsman/wire/loop_core.h"

namespace pointsman {
namespace {

constexpr std::size_t kRecord = 16 * 1024;  // the largest TLS record's content (RFC 8446 5.1)
constexpr std::size_t kPerWrite = 8 * kRecord;

// OpenSSL counts in int.
int as_int(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, 1U << 30U));
}

}  // namespace

std::string openssl_reason() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

TlsStream::TlsStream(std::unique_ptr<Stream> under, const TlsContext& context,
                     const std::string& server_name)
    : under_(std::move(under)), keys_(context.keys()), ssl_(SSL_new(keys_->context.get())) {
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl_.get(), in_, out_);
  if (!keys_->client) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  // A server name is never an address (RFC 6066 3); an address is verified as one.
  if (Address::parse(server_name, 0)) {
    if (keys_->verify) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), server_name.c_str());
    }
  } else if (!server_name.empty()) {
    // Written out: OpenSSL's macro casts as C does. It copies the name.
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             std::string(server_name).data());
    if (keys_->verify) SSL_set1_host(ssl_.get(), server_name.c_str());
  }
}

TlsStream::~TlsStream() {
  close(false);
}

void TlsStream::handshake(Done done) {
  shaken_ = std::move(done);
  auto begin = [this] {
    if (auto result = shake(); !result) shook(std::move(result));
  };
  if (keys_->client) {
    under_->when_writable(std::move(begin));
  } else {
    under_->when_readable(std::move(begin));
  }
}

Result<void> TlsStream::shake() {
  while (true) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    const int why = SSL_get_error(ssl_.get(), done);
    const bool broken = done != 1 && why != SSL_ERROR_WANT_READ;
    auto failed = broken ? failure("TLS handshake with ") : std::unexpected(Error{});
    if (auto sent = flush(); !sent) return sent;
    if (broken) return failed;
    if (done == 1) break;
    POINTSMAN_TRY(more, fetch());
    if (more) continue;
    if (ended_) return fail(Code::io, peer().text() + " left in the TLS handshake");
    under_->when_readable([this] {
      if (auto result = shake(); !result) shook(std::move(result));
    });
    return {};
  }
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  if (size > 0) alpn_.assign(reinterpret_cast<const char*>(name), size);  // NOLINT: bytes as text
  drained_ = false;  // the first request may have come with the end of the handshake
  shook({});
  return {};
}

void TlsStream::shook(Result<void> result) {
  if (Done done = std::exchange(shaken_, nullptr)) done(std::move(result));
}

void TlsStream::when_readable(Ready ready) {
  readable_ = std::move(ready);
  auto wake = [this] {
    waking_ = false;
    if (Ready woken = std::exchange(readable_, nullptr)) woken();
  };
  if (drained_) {
    under_->when_readable(std::move(wake));
  } else if (!std::exchange(waking_, true)) {
    loop().post([wake, alive = std::weak_ptr(alive_)]() mutable {
      if (!alive.expired()) wake();
    });
  }
}

void TlsStream::ignore_readable() {
  readable_ = nullptr;
}

void TlsStream::when_over(Ready ready) {
  readable_ = nullptr;
  under_->when_over(std::move(ready));
}

void TlsStream::when_writable(Ready ready) {
  writable_ = std::move(ready);
  wake_flush();
}

void TlsStream::wake_flush() {
  under_->when_writable([this] {
    // An error here comes back from the next write().
    if (auto sent = flush(); sent && rest_at_ < rest_.size()) return;
    if (Ready woken = std::exchange(writable_, nullptr)) woken();
  });
}

Result<ReadResult> TlsStream::read(std::span<char> into) {
  if (!open()) return fail(Code::io, "the connection is closed");
  std::size_t total = 0;
  drained_ = false;
  while (total < into.size()) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), into.data() + total, as_int(into.size() - total));
    if (got > 0) {
      total += static_cast<std::size_t>(got);
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), got);
    if (why == SSL_ERROR_ZERO_RETURN) {
      if (total == 0) return ReadResult{.end = true};
      break;
    }
    if (why != SSL_ERROR_WANT_READ) {
      if (total > 0) break;  // the error comes again with the next read
      auto failed = failure("cannot read from ");
      static_cast<void>(flush());  // the alert that tells the peer
      return failed;
    }
    POINTSMAN_TRY(more, fetch());
    if (more) continue;
    if (ended_ && total == 0) {
      return fail(Code::io, peer().text() + " ended the TLS connection without notice");
    }
    drained_ = !ended_;
    break;
  }
  // Reading may have produced an answer of the protocol's own, such as a key update.
  if (auto sent = flush(); !sent) return std::unexpected(std::move(sent).error());
  return ReadResult{.bytes = total};
}

Result<bool> TlsStream::fetch() {
  if (ended_) return false;
  const std::span<char> cipher = loop().core().cipher();
  POINTSMAN_TRY(got, under_->read(cipher));
  ended_ = got.end;
  if (got.bytes == 0) return false;
  if (BIO_write(in_, cipher.data(), as_int(got.bytes)) != as_int(got.bytes)) {
    return failure("no memory for bytes from ");
  }
  return true;
}

Result<std::size_t> TlsStream::write(std::span<const std::string_view> parts) {
  if (!open()) return fail(Code::io, "the connection is closed");
  if (rest_at_ < rest_.size()) {
    if (auto sent = flush(); !sent) return std::unexpected(std::move(sent).error());
    if (rest_at_ < rest_.size()) return 0;
  }
  const std::span<char> staging = loop().core().cipher().first(kRecord);
  std::size_t taken = 0;
  std::size_t staged = 0;
  const auto seal = [&](const char* bytes, std::size_t size) {
    ERR_clear_error();
    return size == 0 || SSL_write(ssl_.get(), bytes, as_int(size)) == as_int(size);
  };
  // Small parts share a record; whole records are sealed straight from where they lie.
  for (std::string_view part : parts) {
    while (!part.empty() && taken < kPerWrite) {
      const std::size_t piece = std::min(part.size(), kRecord - staged);
      if (staged == 0 && piece == kRecord) {
        if (!seal(part.data(), piece)) return failure("cannot write to ");
      } else {
        std::memcpy(staging.data() + staged, part.data(), piece);
        staged += piece;
        if (staged == kRecord) {
          if (!seal(staging.data(), staged)) return failure("cannot write to ");
          staged = 0;
        }
      }
      part.remove_prefix(piece);
      taken += piece;
    }
  }
  if (!seal(staging.data(), staged)) return failure("cannot write to ");
  if (auto sent = flush(); !sent) return std::unexpected(std::move(sent).error());
  return taken;
}

Result<void> TlsStream::flush() {
  char* fresh = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(out_, &fresh));
  const std::array<std::string_view, 2> parts{std::string_view(rest_).substr(rest_at_),
                                              std::string_view(fresh, size)};
  if (parts[0].empty() && parts[1].empty()) return {};
  POINTSMAN_TRY(sent, under_->write(parts));
  const std::size_t old = std::min(sent, parts[0].size());
  rest_at_ += old;
  if (rest_at_ == rest_.size()) {
    rest_.clear();
    rest_at_ = 0;
  }
  rest_.append(parts[1].substr(sent - old));
  BIO_reset(out_);
  if (rest_at_ < rest_.size()) {
    wake_flush();
  } else if (finish_) {
    under_->finish();
  }
  return {};
}

void TlsStream::finish() {
  if (!open() || std::exchange(finish_, true)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  // What cannot be sent any more will not be missed.
  static_cast<void>(flush());
}

void TlsStream::close(bool reset) {
  if (!open()) return;
  if (!reset && !finish_ && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    static_cast<void>(flush());
  }
  under_->close(reset);
  const auto reading = std::exchange(readable_, nullptr);
  const auto writing = std::exchange(writable_, nullptr);
}

std::unexpected<Error> TlsStream::failure(std::string_view what) const {
  std::string reason = openssl_reason();
  if (const long verdict = SSL_get_verify_result(ssl_.get()); verdict != X509_V_OK) {
    reason += std::string(" (") + X509_verify_cert_error_string(verdict) + ')';
  }
  return fail(Code::io, std::string(what) + peer().text() + ": " + reason);
}

}  // namespace pointsman
