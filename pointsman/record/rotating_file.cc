#include "pointsman/record/rotating_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace pointsman {
namespace {

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts)};
}

std::string reason() {
  return std::error_code(errno, std::generic_category()).message();
}

}  // namespace

RotatingFile::RotatingFile(std::string folder, std::size_t files)
    : folder_(std::move(folder)), files_(files), stamp_(now_text()) {}

RotatingFile::~RotatingFile() {
  close();
}

void RotatingFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void> RotatingFile::next() {
  close();
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return fail(Code::io, "cannot make the folder " + folder_ + ": " + error.message());
  // Two routers may share a folder; each takes names that nobody has.
  constexpr int kTries = 1000;
  std::string path;
  for (int i = 0; i < kTries && fd_ < 0; ++i) {
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%04llu",
                  static_cast<unsigned long long>(++number_));
    path = folder_ + "/decisions-" + stamp_ + "-" + digits.data() + ".pmr";
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600);
    if (fd_ < 0 && errno != EEXIST) break;
  }
  if (fd_ < 0) return fail(Code::io, "cannot make the file " + path + ": " + reason());
  size_ = 0;
  kept_.push_back(path);
  while (kept_.size() > files_) {
    std::filesystem::remove(kept_.front(), error);
    kept_.erase(kept_.begin());
  }
  return {};
}

Result<void> RotatingFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Code::io, "cannot write to " + kept_.back() + ": " + reason());
    size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace pointsman
