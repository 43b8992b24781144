#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

struct TapOptions {
  std::string admin = "http://127.0.0.1:9090";
  std::string where;
  std::size_t count = 0;  // ends after so many; 0: when the router goes
  bool json = false;
};

// Prints decisions of a running router as they end. Blocks until the router closes the stream, or
// `count` were shown. Errors: unavailable, bad_request (the condition, in the router's words).
Result<void> tap(const TapOptions& options);

// Takes server-sent events apart.
class EventLines {
 public:
  struct Event {
    std::string name;  // empty: a plain message
    std::string data;
  };
  static constexpr std::size_t kMaxEvent = 1U << 20U;

  // Calls `take(Event)` for every event that `bytes` complete. False: an event is too long.
  template <typename Take>
  bool feed(std::string_view bytes, Take take) {
    for (const char c : bytes) {
      if (c != '\n') {
        line_ += c;
        if (line_.size() + event_.data.size() > kMaxEvent) return false;
        continue;
      }
      if (line_.empty() && !event_.data.empty()) {
        take(event_);
        event_ = {};
      } else {
        end_line();
      }
      line_.clear();
    }
    return true;
  }

 private:
  void end_line();

  std::string line_;
  Event event_;
};

// One event as a line of text for people.
std::string tap_line(std::string_view json);

}  // namespace pointsman
