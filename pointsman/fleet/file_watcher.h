#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>

namespace pointsman {

// Notices that a file may have changed: written in place, replaced by renaming another over it,
// removed, or reached through a symbolic link that now points elsewhere. It watches the directory,
// and looks at the file itself now and then, since inotify knows nothing of what other machines do
// to a shared file system.
class FileWatcher {
 public:
  struct Options {
    // A change is told when the file has been left alone for this long ...
    std::chrono::milliseconds settle{100};
    // ... or at the latest after this.
    std::chrono::milliseconds settle_limit{1000};
    std::chrono::milliseconds look_every{2000};
  };

  // `changed` is called from a thread of its own until this is destroyed; for the first time soon
  // after the start, for what happened just before.
  FileWatcher(std::string path, std::function<void()> changed, Options options);
  FileWatcher(std::string path, std::function<void()> changed)
      : FileWatcher(std::move(path), std::move(changed), Options()) {}
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

 private:
  int stop_;  // an eventfd
  std::jthread thread_;
};

}  // namespace pointsman
