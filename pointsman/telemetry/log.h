#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"

namespace pointsman {

// Verbosities of log lines. A threshold of n shows every line with verbosity <= n.
namespace verbosity {
inline constexpr int kError = -2;
inline constexpr int kWarning = -1;
inline constexpr int kInfo = 0;
inline constexpr int kDefault = 2;
inline constexpr int kVerbose = 3;
inline constexpr int kDebug = 4;
inline constexpr int kTrace = 5;
}  // namespace verbosity

// The threshold that `-v` and `--zap-log-level` ask for; the latter wins (spec/07 section 11.3).
// A negative -v means the default, one above 10 means 10.
Result<int> log_threshold(std::optional<int> v, std::optional<std::string_view> zap_level);

// One structured field of a line. Refers to its key and text; durations become seconds.
struct LogField {
  template <std::convertible_to<std::string_view> Text>
  LogField(std::string_view name, const Text& text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, std::integral auto number) : key(name) {
    if constexpr (std::same_as<decltype(number), bool>) {
      value = number;
    } else {
      value = static_cast<std::int64_t>(number);
    }
  }
  LogField(std::string_view name, double number) : key(name), value(number) {}
  LogField(std::string_view name, std::chrono::nanoseconds elapsed)
      : key(name), value(std::chrono::duration<double>(elapsed).count()) {}

  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;
};
using LogFields = std::initializer_list<LogField>;

// A stream of JSON lines, stderr by default. Prompt text and secrets must not get here.
//
// A line that the reader of the stream does not make room for is dropped and counted, so that a
// stuck log collector cannot stop a request. Below error level, each message is written at most
// 100 times a second and then every 100th time.
//
// Threading: any thread. A line that is not shown costs one load.
class Log {
 public:
  explicit Log(int fd = 2, int threshold = verbosity::kDefault);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void show(int threshold) { threshold_.store(threshold, std::memory_order_relaxed); }
  bool shows(int at) const { return at <= threshold_.load(std::memory_order_relaxed); }

  // Lines not written: `sampled` for their number, `blocked` since the stream was not ready.
  std::uint64_t sampled() const { return sampled_.load(std::memory_order_relaxed); }
  std::uint64_t blocked() const { return blocked_.load(std::memory_order_relaxed); }

  void write(int at, std::string_view logger, std::string_view message,
             std::span<const LogField> fields, const std::source_location& where);

 private:
  static constexpr std::size_t kSlots = 512;

  bool one_too_many(int at, std::string_view message, std::int64_t second);
  void put(std::string_view line, bool error);

  const int fd_;
  std::atomic<int> threshold_;
  std::atomic<std::uint64_t> sampled_{0};
  std::atomic<std::uint64_t> blocked_{0};
  // Per hash of (level, message): the second, and the lines in it.
  std::array<std::atomic<std::uint64_t>, kSlots> counts_{};
  std::mutex mutex_;
  bool stuck_ = false;
};

// Writes to a Log under the name of a component. Cheap to copy; the Log outlives it.
class Logger {
 public:
  explicit Logger(Log& log, std::string name = {}) : log_(&log), name_(std::move(name)) {}

  // The logger of a part of this component: "fleet" gives "fleet.scraper".
  Logger named(std::string_view part) const;

  bool shows(int at) const { return log_->shows(at); }

  void info(int at, std::string_view message, LogFields fields = {},
            std::source_location where = std::source_location::current()) const {
    write(at, message, {fields.begin(), fields.size()}, where);
  }
  // For fields that are not the same in every line.
  void write(int at, std::string_view message, std::span<const LogField> fields,
             std::source_location where = std::source_location::current()) const {
    if (log_->shows(at)) log_->write(at, name_, message, fields, where);
  }
  void warning(std::string_view message, LogFields fields = {},
               std::source_location where = std::source_location::current()) const {
    info(verbosity::kWarning, message, fields, where);
  }
  void error(std::string_view message, LogFields fields = {},
             std::source_location where = std::source_location::current()) const {
    info(verbosity::kError, message, fields, where);
  }

 private:
  Log* log_;
  std::string name_;
};

// Lets one of many through: at most one per `interval`. For lines that a flood would repeat.
//   if (const auto missed = every_.pass(Clock::now())) log.warning("...", {{"missed", *missed}});
//
// Threading: any thread.
class LogEvery {
 public:
  explicit LogEvery(Clock::duration interval) : interval_(interval) {}

  // The number of calls refused since the last one let through; nothing when this one is refused.
  std::optional<std::uint64_t> pass(Clock::time_point now);

 private:
  const Clock::duration interval_;
  std::atomic<Clock::rep> next_{0};
  std::atomic<std::uint64_t> missed_{0};
};

}  // namespace pointsman
