#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pointsman/base/published.h"
#include "pointsman/base/result.h"
#include "pointsman/edge/http/proxy.h"
#include "pointsman/fleet/file_watcher.h"
#include "pointsman/telemetry/log.h"

namespace pointsman {

// The keys of a file. Errors: invalid_config, naming file and line.
Result<std::shared_ptr<const ApiKeys>> read_keys(const std::string& file);

// --api-key-file and --upstream-api-key-file: read now and whenever they change. A file that cannot
// be used leaves the keys as they were and is logged.
class KeyWatch {
 public:
  // An empty name: no such keys. Errors: those of read_keys().
  static Result<std::unique_ptr<KeyWatch>> start(std::string clients_file,
                                                 std::string upstream_file, Logger log);

  const Published<ProxyKeys>& keys() const { return keys_; }
  // The newest. Threading: any thread.
  std::string upstream_key() const;

 private:
  KeyWatch(std::string clients_file, std::string upstream_file, ProxyKeys keys, Logger log);

  static Result<ProxyKeys> read(const std::string& clients_file, const std::string& upstream_file);
  void look();

  const std::string clients_file_;
  const std::string upstream_file_;
  const Logger log_;
  Published<ProxyKeys> keys_;
  std::mutex mutex_;  // the watchers have a thread each
  std::string told_;  // the last problem that was logged; guarded by mutex_
  std::vector<std::unique_ptr<FileWatcher>> watchers_;  // last: they call look()
};

}  // namespace pointsman
