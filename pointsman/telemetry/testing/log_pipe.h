#pragma once

#include <array>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace pointsman::testing {

// Where a Log can write to, and what came out of it.
class LogPipe {
 public:
  LogPipe() {
    EXPECT_EQ(pipe(ends_.data()), 0);
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  LogPipe(const LogPipe&) = delete;
  LogPipe& operator=(const LogPipe&) = delete;
  ~LogPipe() {
    close(ends_[0]);
    close(ends_[1]);
  }

  int fd() const { return ends_[1]; }

  // What was written since the last call.
  std::string text() const {
    std::string all;
    std::array<char, 4096> some{};
    for (ssize_t n = 0; (n = read(ends_[0], some.data(), some.size())) > 0;) {
      all.append(some.data(), static_cast<std::size_t>(n));
    }
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace pointsman::testing
