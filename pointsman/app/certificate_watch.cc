#include "pointsman/app/certificate_watch.h"

#include <functional>
#include <string_view>
#include <utility>

#include "pointsman/fleet/text_file.h"

namespace pointsman {
namespace {

constexpr std::size_t kLargestFile = 1UL << 20U;  // a chain of a hundred certificates

}  // namespace

std::string CertificateWatch::certificate_file(const std::string& directory) {
  return directory + "/tls.crt";
}

std::string CertificateWatch::key_file(const std::string& directory) {
  return directory + "/tls.key";
}

CertificateWatch::CertificateWatch(const std::string& directory, std::shared_ptr<TlsContext> tls,
                                   Logger log, FileWatcher::Options options)
    : certificate_file_(certificate_file(directory)),
      key_file_(key_file(directory)),
      tls_(std::move(tls)),
      log_(std::move(log)),
      tried_(start()),
      certificate_watcher_(
          certificate_file_, [this] { look(); }, options),
      key_watcher_(key_file_, [this] { look(); }, options) {}

// The text that a file is read as, or why it cannot be read.
std::size_t CertificateWatch::fingerprint() const {
  std::size_t print = 0;
  for (const std::string& file : {certificate_file_, key_file_}) {
    const auto text = read_text_file(file, kLargestFile);
    print = print * 31 + std::hash<std::string_view>{}(text ? *text : text.error().message);
  }
  return print;
}

std::size_t CertificateWatch::start() {
  const std::size_t now = fingerprint();
  load();
  return now;
}

bool CertificateWatch::load() {
  const auto loaded = tls_->reload();
  if (!loaded) {
    log_.error("the new certificate cannot be used: the old one stays in service",
               {{"error", loaded.error().message}});
  }
  return loaded.has_value();
}

void CertificateWatch::look() {
  const std::lock_guard lock(mutex_);
  std::size_t now = fingerprint();
  if (tried_ == now) return;
  // A file may be replaced between the two readings: what was loaded is what stood there then.
  constexpr int kTries = 3;
  bool loaded = false;
  for (int i = 0; i < kTries && tried_ != now; ++i) {
    tried_ = now;
    loaded = load();
    now = fingerprint();
  }
  if (loaded) {
    log_.info(verbosity::kInfo, "new connections are shown the new certificate",
              {{"file", certificate_file_}});
  }
}

}  // namespace pointsman
