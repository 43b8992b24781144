// The flags about decisions: what a router keeps of them, and the commands that read it.

#include <string>
#include <utility>

#include "pointsman/app/command_line.h"
#include "pointsman/app/router_flags.h"
#include "pointsman/engine/keep_rules.h"

namespace pointsman {
namespace {

constexpr std::int64_t kSmallestFile = 64L * 1024;

std::vector<std::string> words(const FlagSet& flags) {
  return {flags.positional().begin(), flags.positional().end()};
}

}  // namespace

void RouterFlags::declare_record(FlagSet& flags) {
  flags.add({.name = "record",
             .value = "DIR",
             .help = "Write every decision with its inputs and outcome to files in DIR, for "
                     "`pointsman replay` and `pointsman whatif`."},
            record);
  flags.add({.name = "record-file-size",
             .value = "SIZE",
             .help = "Size at which the next file of --record begins."},
            record_file_size);
  flags.add({.name = "record-files",
             .value = "N",
             .help = "How many files --record keeps; the oldest is deleted."},
            record_files);
  flags.add({.name = "keep",
             .value = "RULES",
             .help = "Export the traces of requests that turned out slow, failed, close-call, "
                     "mispredicted, or 1/N of all, beside those that are sampled; a comma list."},
            keep);
  flags.add({.name = "keep-slow",
             .value = "DURATION",
             .help = "Time to the first byte from which --keep slow keeps a request."},
            keep_slow);
  flags.add({.name = "trace-decision-matrix",
             .help = "Put the scores of the best endpoints into an event of the picker's span."},
            trace_decision_matrix);
}

Result<void> RouterFlags::finish_record() {
  POINTSMAN_TRY(bytes, parse_size("--record-file-size", record_file_size));
  if (bytes < kSmallestFile) return wrong("--record-file-size must be at least 64Ki");
  record_file_bytes = static_cast<std::uint64_t>(bytes);
  POINTSMAN_TRY(rules, KeepRules::parse(keep, keep_slow));
  keep_rules = rules;
  if (record_files < 1) {
    return wrong("--record-files must be positive, got " + std::to_string(record_files));
  }
  return {};
}

void ReplayFlags::declare(FlagSet& flags) {
  flags.group("How");
  flags.add({.name = "config-file",
             .value = "FILE",
             .help = "Decide by this configuration; without one, by the recorded one."},
            config_file);
  flags.add({.name = "threads", .value = "N", .help = "Threads that decide; 0 is one per core."},
            threads);
}

Result<void> ReplayFlags::finish(const FlagSet& flags, const Environment& /*environment*/) {
  paths = words(flags);
  if (paths.empty()) return wrong("which FILE or folder of --record shall be replayed?");
  if (threads < 0 || threads > 1024) return wrong("--threads must be between 0 and 1024");
  return {};
}

void WhatIfFlags::declare(FlagSet& flags) {
  flags.group("How");
  flags.add({.name = "config-file", .value = "FILE", .help = "The configuration to be tried."},
            config_file);
}

Result<void> WhatIfFlags::finish(const FlagSet& flags, const Environment& /*environment*/) {
  paths = words(flags);
  if (config_file.empty()) return wrong("--config-file must name the configuration to be tried");
  if (paths.empty()) return wrong("which FILE or folder of --record shall be judged?");
  return {};
}

void TapFlags::declare(FlagSet& flags) {
  flags.group("Which decisions");
  flags.add({.name = "where",
             .value = "EXPR",
             .help = "Show those for which it is true, such as 'status >= 500 or ttft_ms > 2000'."},
            where);
  flags.add({.name = "count", .value = "N", .help = "End after so many; 0 never ends."}, count);
  flags.add({.name = "admin", .value = "URL", .help = "Metrics port of the router."}, admin);
  flags.add({.name = "json", .help = "One JSON object a line."}, json);
}

Result<void> TapFlags::finish(const FlagSet& /*flags*/, const Environment& /*environment*/) {
  if (count < 0) return wrong("--count must not be negative, got " + std::to_string(count));
  return {};
}

}  // namespace pointsman
