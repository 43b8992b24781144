#include "pointsman/wire/tls.h"

#include <algorithm>
#include <array>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <system_error>
#include <utility>

#include "pointsman/wire/tls_stream.h"

namespace pointsman {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;

constexpr long kTenYears = 10L * 365 * 24 * 3600;

int number(TlsVersion version) {
  switch (version) {
    case TlsVersion::v1_0:
      return TLS1_VERSION;
    case TlsVersion::v1_1:
      return TLS1_1_VERSION;
    case TlsVersion::v1_2:
      return TLS1_2_VERSION;
    case TlsVersion::v1_3:
      break;
  }
  return TLS1_3_VERSION;
}

std::string wire_form(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const auto& name : protocols) {
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());  // NOLINT: text as bytes
}

void set_modes(SSL_CTX* context) {
  // Quiet connections hold no buffers; a peer cannot make us repeat handshakes.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

bool add_extension(X509* certificate, int kind, const char* value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool name_and_date(X509* certificate) {
  std::array<unsigned char, 16> serial{};
  if (RAND_bytes(serial.data(), serial.size()) != 1) return false;
  serial[0] &= 0x7FU;  // serial numbers are positive (RFC 5280 4.1.2.2)
  BIGNUM* const big = BN_bin2bn(serial.data(), serial.size(), nullptr);
  const bool numbered =
      big != nullptr && BN_to_ASN1_INTEGER(big, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(big);
  X509_NAME* const name = X509_get_subject_name(certificate);
  return numbered && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kTenYears) != nullptr &&
         X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, bytes("Inference Ext"), -1, -1, 0) ==
             1 &&
         X509_set_issuer_name(certificate, name) == 1;
}

// The certificate of spec/02 section 12.
bool use_self_signed(SSL_CTX* context, const KeyPtr& key) {
  const CertificatePtr certificate(X509_new());
  return key && certificate && name_and_date(certificate.get()) &&
         X509_set_pubkey(certificate.get(), key.get()) == 1 &&
         add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate.get(), NID_key_usage,
                       "critical,digitalSignature,keyEncipherment") &&
         add_extension(certificate.get(), NID_ext_key_usage, "serverAuth") &&
         X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0 &&
         SSL_CTX_use_certificate(context, certificate.get()) == 1 &&
         SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

// An elliptic-curve key is made in a millisecond. An RSA key takes a tenth of a second or more, and
// is only of use to suites that sign or encrypt with it; a context has room for one of each.
bool use_self_signed(SSL_CTX* context, const std::vector<std::string>& ciphers) {
  constexpr unsigned kRsaBits = 2048;
  const bool rsa =
      std::ranges::any_of(ciphers, [](const std::string& name) { return name.contains("_RSA_"); });
  return use_self_signed(context, KeyPtr(EVP_EC_gen("P-256"))) &&
         (!rsa || use_self_signed(context, KeyPtr(EVP_RSA_gen(kRsaBits))));
}

// The oldest reason in OpenSSL's queue: the others only say through whom it passed.
std::unexpected<Error> refused(const std::string& what) {
  const auto code = ERR_peek_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);  // none for those of the system
  return fail(
      Code::invalid_config,
      what + ": " +
          (reason != nullptr ? reason : std::generic_category().message(ERR_GET_REASON(code))));
}

Result<void> use_files(SSL_CTX* context, const TlsServerOptions& options) {
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return refused("cannot use the certificate in " + options.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return refused("cannot use the key in " + options.key_file);
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return refused("the key in " + options.key_file + " does not belong to " +
                   options.certificate_file);
  }
  return {};
}

Result<void> set_ciphers(SSL_CTX* context, const TlsServerOptions& options) {
  std::string list;
  for (const auto& name : options.ciphers) {
    const std::string_view known = OPENSSL_cipher_name(name.c_str());
    if (known == "(NONE)") {
      return fail(Code::invalid_config, "unknown cipher suite \"" + name + '"');
    }
    if (known.starts_with("TLS_")) continue;  // TLS 1.3 has its own, fixed set
    list += (list.empty() ? "" : ":") + std::string(known);
  }
  if (list.empty() && !options.ciphers.empty()) {
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    return {};
  }
  // OpenSSL keeps TLS 1.0 and 1.1 switched off above security level 0.
  if (options.min_version < TlsVersion::v1_2) {
    list = (list.empty() ? "DEFAULT" : list) + ":@SECLEVEL=0";
  }
  if (!list.empty() && SSL_CTX_set_cipher_list(context, list.c_str()) != 1) {
    return refused("none of the cipher suites can be used");
  }
  return {};
}

Result<void> ask_for_client_certificate(SSL_CTX* context, const std::string& ca_file) {
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(ca_file.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return refused("cannot use the client CA in " + ca_file);
  }
  SSL_CTX_set_client_CA_list(context, names);  // takes `names`
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void* argument) {
  const auto& ours = *static_cast<const std::string*>(argument);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, bytes(ours), static_cast<unsigned>(ours.size()), in,
                            in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<std::shared_ptr<const TlsContext::Keys>> make_server_keys(const TlsServerOptions& options) {
  ERR_clear_error();
  auto keys = std::make_shared<TlsContext::Keys>();
  keys->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = keys->context.get();
  if (context == nullptr) return refused("cannot start TLS");
  set_modes(context);
  SSL_CTX_set_min_proto_version(context, number(options.min_version));
  static constexpr std::array<unsigned char, 9> kSessions{'p', 'o', 'i', 'n', 't', 's', 'm', 'a'};
  SSL_CTX_set_session_id_context(context, kSessions.data(), kSessions.size());
  if (auto set = set_ciphers(context, options); !set) return std::unexpected(set.error());
  if (options.certificate_file.empty() && options.key_file.empty()) {
    if (!use_self_signed(context, options.ciphers)) return refused("cannot make a certificate");
  } else if (auto used = use_files(context, options); !used) {
    return std::unexpected(used.error());
  }
  if (!options.client_ca_file.empty()) {
    if (auto asked = ask_for_client_certificate(context, options.client_ca_file); !asked) {
      return std::unexpected(asked.error());
    }
  }
  if (!options.alpn.empty()) {
    keys->alpn = wire_form(options.alpn);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, &keys->alpn);
  }
  return keys;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::server(TlsServerOptions options) {
  auto made = std::make_shared<TlsContext>(std::move(options));
  if (auto loaded = made->reload(); !loaded) return std::unexpected(loaded.error());
  return made;
}

Result<void> TlsContext::reload() {
  if (const auto now = keys(); now && now->client) return {};
  POINTSMAN_TRY(fresh, make_server_keys(options_));
  const std::lock_guard lock(mutex_);
  keys_ = std::move(fresh);
  return {};
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const TlsClientOptions& options) {
  ERR_clear_error();
  auto keys = std::make_shared<Keys>();
  keys->context.reset(SSL_CTX_new(TLS_client_method()));
  keys->client = true;
  keys->verify = options.verify;
  SSL_CTX* const context = keys->context.get();
  if (context == nullptr) return refused("cannot start TLS");
  set_modes(context);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (options.verify) {
    const bool loaded =
        options.ca_file.empty()
            ? SSL_CTX_set_default_verify_paths(context) == 1
            : SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) == 1;
    if (!loaded) return refused("cannot use the CA certificates in " + options.ca_file);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.alpn.empty()) {
    const std::string wire = wire_form(options.alpn);
    SSL_CTX_set_alpn_protos(context, bytes(wire), static_cast<unsigned>(wire.size()));
  }
  auto made = std::make_shared<TlsContext>(TlsServerOptions{});
  made->keys_ = std::move(keys);
  return made;
}

std::shared_ptr<const TlsContext::Keys> TlsContext::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace pointsman
