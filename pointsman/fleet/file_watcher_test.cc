#include "pointsman/fleet/file_watcher.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/base/testing/temporary_folder.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// Watches a file and lets the test wait until a change of it was told.
class Watched {
 public:
  explicit Watched(const std::string& path, FileWatcher::Options options = {.settle = 1ms})
      : watcher_(path, [this] { tell(); }, options) {
    EXPECT_TRUE(told());  // the first call, which follows the start
  }

  // Whether one more change is told, or was told since the last call.
  bool told() {
    std::unique_lock lock(mutex_);
    const bool one_more = wake_.wait_for(lock, 10s, [this] { return told_ > seen_; });
    seen_ = told_;
    return one_more;
  }

 private:
  void tell() {
    const std::lock_guard lock(mutex_);
    ++told_;
    wake_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  int told_ = 0;
  int seen_ = 0;
  FileWatcher watcher_;
};

TEST(FileWatcher, TellsOfAFileThatIsWritten) {
  const testing::TemporaryFolder folder;
  folder.write("f", "1");
  Watched watched(folder.path("f"));
  folder.write("f", "2");
  EXPECT_TRUE(watched.told());
}

TEST(FileWatcher, TellsOfAFileThatIsReplacedAgainAndAgain) {
  const testing::TemporaryFolder folder;
  folder.write("f", "1");
  Watched watched(folder.path("f"));
  for (const char* text : {"2", "3", "4"}) {
    folder.replace("f", text);
    EXPECT_TRUE(watched.told());
  }
}

TEST(FileWatcher, TellsOfAFileThatGoesAndComes) {
  const testing::TemporaryFolder folder;
  folder.write("f", "1");
  Watched watched(folder.path("f"));
  folder.remove("f");
  EXPECT_TRUE(watched.told());
  folder.write("f", "2");
  EXPECT_TRUE(watched.told());
}

TEST(FileWatcher, TellsOfALinkWhoseTargetChangesAsKubernetesDoesIt) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("v1"));
  std::filesystem::create_directory(folder.path("v2"));
  folder.write("v1/f", "1");
  folder.write("v2/f", "2");
  std::filesystem::create_symlink("v1", folder.path("data"));
  std::filesystem::create_symlink("data/f", folder.path("f"));
  Watched watched(folder.path("f"));
  std::filesystem::create_symlink("v2", folder.path("data.new"));
  std::filesystem::rename(folder.path("data.new"), folder.path("data"));
  EXPECT_TRUE(watched.told());
}

TEST(FileWatcher, LooksAtTheFileWhenNoEventComes) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("elsewhere"));
  folder.write("elsewhere/f", "1");
  std::filesystem::create_symlink("elsewhere/f", folder.path("f"));
  Watched watched(folder.path("f"), {.settle = 1ms, .look_every = 5ms});
  folder.replace("elsewhere/f", "another");
  EXPECT_TRUE(watched.told());
}

TEST(FileWatcher, ComesBackWithTheDirectory) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("d"));
  folder.write("d/f", "1");
  Watched watched(folder.path("d/f"), {.settle = 1ms, .look_every = 5ms});
  std::filesystem::remove_all(folder.path("d"));
  EXPECT_TRUE(watched.told());
  std::filesystem::create_directory(folder.path("d"));
  folder.write("d/f", "2");
  EXPECT_TRUE(watched.told());
}

TEST(FileWatcher, StopsAtOnce) {
  const testing::TemporaryFolder folder;
  const auto before = std::chrono::steady_clock::now();
  {
    const FileWatcher watcher(folder.path("f"), [] {}, {.settle = 1000s, .look_every = 1000s});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

}  // namespace
}  // namespace pointsman
