#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "pointsman/fleet/file_watcher.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

// --enable-cert-reload (spec/02 section 12): when tls.crt or tls.key of a directory changes,
// written in place, renamed over or reached through a link that moves, new connections are shown
// the new certificate. A pair that cannot be used leaves the old one in service and is logged once.
class CertificateWatch {
 public:
  // `tls` was made from `directory`; what changed there since is noticed too.
  CertificateWatch(const std::string& directory, std::shared_ptr<TlsContext> tls, Logger log,
                   FileWatcher::Options options = {.settle = std::chrono::milliseconds(250)});

  static std::string certificate_file(const std::string& directory);
  static std::string key_file(const std::string& directory);

 private:
  // Called by both watchers: one look at the pair, whichever file it was.
  void look();
  // Takes what has changed since `tls` was made; the fingerprint of that.
  std::size_t start();
  bool load();
  std::size_t fingerprint() const;

  const std::string certificate_file_;
  const std::string key_file_;
  const std::shared_ptr<TlsContext> tls_;
  const Logger log_;
  std::mutex mutex_;                 // the watchers have a thread each
  std::size_t tried_;                // fingerprint of the newest pair that was tried
  FileWatcher certificate_watcher_;  // last: they call look()
  FileWatcher key_watcher_;
};

}  // namespace pointsman
