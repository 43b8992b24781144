#include "pointsman/wire/testing/certificate.h"

#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "pointsman/base/bug.h"
#include "pointsman/wire/tls_stream.h"

namespace pointsman::testing {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

template <typename Write>
std::string pem(const Write& write) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || write(out.get()) != 1) bug("OpenSSL cannot write PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

Certificate make_certificate(const std::string& dns_name) {
  constexpr long kDay = 24L * 3600;
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr made(X509_new());
  const ExtensionPtr names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + dns_name).c_str()));
  const bool good = key && made && names && X509_set_version(made.get(), X509_VERSION_3) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDay) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(made.get()), kDay) != nullptr &&
                    X509_add_ext(made.get(), names.get(), -1) == 1 &&
                    X509_set_pubkey(made.get(), key.get()) == 1 &&
                    X509_sign(made.get(), key.get(), EVP_sha256()) > 0;
  if (!good) bug("OpenSSL cannot make a certificate");
  return {.certificate = pem([&](BIO* out) { return PEM_write_bio_X509(out, made.get()); }),
          .key = pem([&](BIO* out) {
            return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr,
                                                 nullptr);
          })};
}

}  // namespace pointsman::testing
