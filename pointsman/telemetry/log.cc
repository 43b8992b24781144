#include "pointsman/telemetry/log.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "pointsman/base/text.h"
#include "pointsman/telemetry/json_text.h"
#include "pointsman/telemetry/label_hash.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxText = 8192;      // of one field
constexpr std::uint32_t kFirstLines = 100;  // of a message in a second
constexpr std::uint32_t kThenEvery = 100;
constexpr int kErrorPatienceMs = 50;

std::string_view level_name(int at) {
  if (at <= verbosity::kError) return "error";
  if (at == verbosity::kWarning) return "warn";
  if (at < verbosity::kDebug) return "info";
  return at == verbosity::kDebug ? "debug" : "trace";
}

// "dir/file.ext" of a path.
std::string_view tail(std::string_view path) {
  const std::size_t file = path.rfind('/');
  if (file == std::string_view::npos || file == 0) return path;
  const std::size_t dir = path.rfind('/', file - 1);
  return dir == std::string_view::npos ? path : path.substr(dir + 1);
}

void append_text(std::string& out, std::string_view text) {
  if (text.size() <= kMaxText) return append_json(out, text);
  std::string beginning(text.substr(0, kMaxText));
  beginning.append("...");
  append_json(out, beginning);
}

void append_value(std::string& out, const LogField& field) {
  struct Append {
    std::string& out;
    void operator()(std::string_view text) const { append_text(out, text); }
    void operator()(std::int64_t number) const { out += std::to_string(number); }
    void operator()(double number) const { append_json(out, number); }
    void operator()(bool yes) const { out += yes ? "true" : "false"; }
  };
  std::visit(Append{out}, field.value);
}

}  // namespace

Result<int> log_threshold(std::optional<int> v, std::optional<std::string_view> zap_level) {
  if (zap_level) {
    const std::string level = to_lower(*zap_level);
    if (level == "debug") return 1;
    if (level == "info") return verbosity::kInfo;
    if (level == "error") return verbosity::kError;
    if (level == "panic") return verbosity::kError - 1;
    int number = 0;
    const auto [end, error] = std::from_chars(level.data(), level.data() + level.size(), number);
    if (error != std::errc() || end != level.data() + level.size() || number <= 0) {
      return fail(Code::invalid_config, "invalid log level \"" + std::string(*zap_level) +
                                            "\": debug, info, error, panic or a number above 0");
    }
    return std::min(number, 10);
  }
  const int wanted = v.value_or(verbosity::kDefault);
  return wanted < 0 ? verbosity::kDefault : std::min(wanted, 10);
}

Log::Log(int fd, int threshold) : fd_(fd), threshold_(threshold) {}

void Log::write(int at, std::string_view logger, std::string_view message,
                std::span<const LogField> fields, const std::source_location& where) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double seconds = std::chrono::duration<double>(now).count();
  if (at > verbosity::kError && one_too_many(at, message, static_cast<std::int64_t>(seconds))) {
    sampled_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  std::string line;
  line.reserve(256);
  fmt::format_to(std::back_inserter(line), R"({{"level":"{}","ts":{:.6f})", level_name(at),
                 seconds);
  if (!logger.empty()) append_json(line += R"(,"logger":)", logger);
  fmt::format_to(std::back_inserter(line), R"(,"caller":"{}:{}","msg":)", tail(where.file_name()),
                 where.line());
  append_text(line, message);
  for (const LogField& field : fields) {
    append_json(line += ',', field.key);
    append_value(line += ':', field);
  }
  put(line += "}\n", at <= verbosity::kError);
}

// An approximation on purpose: two messages of one slot share its count.
bool Log::one_too_many(int at, std::string_view message, std::int64_t second) {
  auto& slot = counts_[label::hash(static_cast<std::uint64_t>(at), message) % kSlots];
  const std::uint64_t now = static_cast<std::uint64_t>(second) << 32U;
  std::uint64_t seen = slot.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    next = (seen & ~0xFFFFFFFFULL) == now ? seen + 1 : now + 1;
  } while (!slot.compare_exchange_weak(seen, next, std::memory_order_relaxed));
  const auto lines = static_cast<std::uint32_t>(next);
  return lines > kFirstLines && (lines - kFirstLines) % kThenEvery != 0;
}

// A pipe that is ready has room for PIPE_BUF (4096) bytes, so only a longer line can wait for its
// reader. An error waits a moment for room, unless the line before it already waited in vain.
void Log::put(std::string_view line, bool error) {
  const std::lock_guard lock(mutex_);
  pollfd stream{.fd = fd_, .events = POLLOUT, .revents = 0};
  const int patience = error && !stuck_ ? kErrorPatienceMs : 0;
  stuck_ = poll(&stream, 1, patience) != 1 || (stream.revents & POLLOUT) == 0;
  while (!stuck_ && !line.empty()) {
    const ssize_t written = ::write(fd_, line.data(), line.size());
    if (written > 0) {
      line.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      break;
    }
  }
  if (!line.empty()) blocked_.fetch_add(1, std::memory_order_relaxed);
}

Logger Logger::named(std::string_view part) const {
  return Logger(*log_, name_.empty() ? std::string(part) : name_ + "." + std::string(part));
}

std::optional<std::uint64_t> LogEvery::pass(Clock::time_point now) {
  const Clock::rep at = now.time_since_epoch().count();
  Clock::rep next = next_.load(std::memory_order_relaxed);
  if (at < next ||
      !next_.compare_exchange_strong(next, at + interval_.count(), std::memory_order_relaxed)) {
    missed_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return missed_.exchange(0, std::memory_order_relaxed);
}

}  // namespace pointsman
