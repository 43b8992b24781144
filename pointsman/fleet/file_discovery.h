#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/config/params.h"
#include "pointsman/fleet/endpoints_file.h"
#include "pointsman/fleet/file_watcher.h"
#include "pointsman/stage/datalayer.h"
#include "pointsman/stage/setup.h"
#include "pointsman/stage/state_dumper.h"

namespace pointsman {

struct FileDiscoveryParams {
  std::string path;
  bool watch_file = false;

  static constexpr auto fields() {
    using P = FileDiscoveryParams;
    return std::tuple{
        field("path", &P::path, "The endpoints file, YAML or JSON."),
        field("watchFile", &P::watch_file, "Whether to take over changes of the file."),
    };
  }
  static Result<void> check(const FileDiscoveryParams& params);
};

// Endpoints out of a file (spec/04 section 11.2). The first load must succeed wholly. Later, what
// cannot be read is reported and changes nothing: a file that is missing, wrong or of no bytes
// keeps everybody, a wrong entry keeps the last good one of its id.
class FileDiscovery final : public Discovery, public StateDumper {
 public:
  using Params = FileDiscoveryParams;
  static constexpr std::string_view kType = "file-discovery";
  static constexpr std::string_view kHelp = "Takes the endpoints from a file.";
  static constexpr std::string_view kParseError = "file-discovery: failed to parse parameters: ";

  struct Options {
    std::string path;
    bool watch = true;
    HostRule rule = HostRule::any;
    std::string blame;  // what an error of the first load begins with
    FileWatcher::Options watcher;
  };

  // The plugin: addresses are IPv4 literals.
  FileDiscovery(const FileDiscoveryParams& params, Setup& setup);
  explicit FileDiscovery(Options options);

  Result<void> start(Events events) override;
  void stop() override;
  // Sorted by id.
  Result<std::string> dump(const Fleet& fleet) const override;

 private:
  void reload();
  void report(std::string problem);
  void found();

  Options options_;
  Events events_;
  std::string text_;     // as last parsed
  std::string problem_;  // as last reported; empty: none
  std::vector<Endpoint> last_good_;
  mutable std::mutex mutex_;      // reload() and dump() have a thread each
  std::vector<std::string> ids_;  // of last_good_, sorted; guarded by mutex_
  std::unique_ptr<FileWatcher> watcher_;
};

}  // namespace pointsman
