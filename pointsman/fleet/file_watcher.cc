#include "pointsman/fleet/file_watcher.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "pointsman/base/clock.h"

namespace pointsman {
namespace {

constexpr Clock::time_point kNever = Clock::time_point::max();

// What tells one state of a file from another without reading it.
struct Look {
  bool there = false;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;

  bool operator==(const Look&) const = default;
};

Look look_at(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {.there = true,
          .device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .seconds = info.st_mtim.tv_sec,
          .nanoseconds = info.st_mtim.tv_nsec};
}

bool is_link(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

// The events of one directory, as far as they may concern one file in it.
class DirectoryEvents {
 public:
  explicit DirectoryEvents(const std::string& path)
      : path_(path),
        name_(std::filesystem::path(path).filename()),
        directory_(std::filesystem::path(path).parent_path()),
        inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (directory_.empty()) directory_ += '.';
    watch();
  }
  ~DirectoryEvents() {
    if (inotify_ >= 0) ::close(inotify_);
  }
  DirectoryEvents(const DirectoryEvents&) = delete;
  DirectoryEvents& operator=(const DirectoryEvents&) = delete;

  // To poll; negative when there is no inotify, which poll() ignores.
  int fd() const { return inotify_; }

  // Watches the directory if that is not the case, for it may have come back.
  void watch() {
    if (inotify_ < 0 || watch_ >= 0) return;
    constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_MOVED_TO |
                                      IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
    watch_ = ::inotify_add_watch(inotify_, directory_.c_str(), kEvents);
  }

  // Takes all events that are there; says whether one concerns the file.
  bool take() {
    bool relevant = false;
    alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
    for (;;) {
      const ssize_t got = ::read(inotify_, buffer.data(), buffer.size());
      if (got <= 0) return relevant;
      std::size_t at = 0;
      while (at < static_cast<std::size_t>(got)) {
        inotify_event event{};
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* const name = buffer.data() + at + sizeof event;
        relevant = concerns(event, event.len > 0 ? name : "") || relevant;
        at += sizeof event + event.len;
      }
    }
  }

 private:
  // A link may point through any other entry of the directory, as Kubernetes mounts do.
  bool concerns(const inotify_event& event, std::string_view name) {
    if ((event.mask & IN_IGNORED) != 0) watch_ = -1;
    if ((event.mask & (IN_IGNORED | IN_Q_OVERFLOW)) != 0) return true;
    return name == name_ || is_link(path_);
  }

  std::string path_;
  std::string name_;
  std::string directory_;
  int inotify_;
  int watch_ = -1;
};

void run(const std::string& path, int stop, const std::function<void()>& changed,
         const FileWatcher::Options& options) {
  DirectoryEvents events(path);
  Look told = look_at(path);
  // When the first untold change was noticed, and when it shall be told.
  Clock::time_point noticed = Clock::now();
  Clock::time_point tell_at = noticed + options.settle;
  Clock::time_point look_next = noticed + options.look_every;
  for (;;) {
    const auto wait =
        std::chrono::ceil<std::chrono::milliseconds>(std::min(tell_at, look_next) - Clock::now());
    std::array<pollfd, 2> fds{{{stop, POLLIN, 0}, {events.fd(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(wait.count(), 0)));
    if (fds[0].revents != 0) return;

    const Clock::time_point now = Clock::now();
    bool touched = fds[1].revents != 0 && events.take();
    if (now >= look_next) {
      events.watch();
      touched = touched || (tell_at == kNever && look_at(path) != told);
      look_next = now + options.look_every;
    }
    if (touched) {
      if (tell_at == kNever) noticed = now;
      tell_at = std::min(now + options.settle, noticed + options.settle_limit);
    }
    if (now >= tell_at) {
      tell_at = kNever;
      told = look_at(path);
      changed();
    }
  }
}

}  // namespace

FileWatcher::FileWatcher(std::string path, std::function<void()> changed, Options options)
    : stop_(::eventfd(0, EFD_CLOEXEC)),
      thread_([path = std::move(path), changed = std::move(changed), options, stop = stop_] {
        run(path, stop, changed, options);
      }) {}

FileWatcher::~FileWatcher() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
}

}  // namespace pointsman
