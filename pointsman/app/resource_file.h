#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "pointsman/base/published.h"
#include "pointsman/engine/request_rules.h"
#include "pointsman/fleet/file_watcher.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// --resources-file: the custom resources InferenceObjective and InferenceModelRewrite out of a
// file, in place of a cluster. Watched; a file with mistakes changes nothing, is logged and
// counted.
//
// Threading: belongs to the loop's thread; rules() may be read anywhere.
class ResourceFile {
 public:
  struct Options {
    std::string path;
    // What belongs to another pool or namespace is passed over, as the reference does. Empty: any.
    std::string pool = {};
    std::string ns = {};
    FileWatcher::Options watcher = {};
  };

  ResourceFile(Options options, Metrics& metrics, MetricShard& shard, Loop& loop, Logger log);
  ~ResourceFile();
  ResourceFile(const ResourceFile&) = delete;
  ResourceFile& operator=(const ResourceFile&) = delete;

  // The first reading. False when there is nothing to start with; the reason has been logged.
  bool load();
  // From now on changes of the file are taken over.
  void watch();
  // Reads the file again and takes it over, unless it has mistakes or is the same.
  void reload();

  const Published<RequestRules>& rules() const { return rules_; }

 private:
  // False when it has mistakes, which are logged as `failure`.
  bool take_over(const std::string& text, std::string_view failure);
  void keep_ours(Resources& resources) const;
  bool ours(const ResourceMeta& meta, const PoolRef& pool, std::string_view kind) const;
  void reloaded(std::string_view result);

  const Options options_;
  Metrics& metrics_;
  MetricShard& shard_;
  Loop& loop_;
  const Logger log_;
  Published<RequestRules> rules_{RequestRules()};
  std::string text_;     // that is in force
  std::string refused_;  // what could not be taken over, and has been logged
  std::unique_ptr<FileWatcher> watcher_;
};

}  // namespace pointsman
