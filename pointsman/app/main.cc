#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pointsman/app/check.h"
#include "pointsman/app/command_line.h"
#include "pointsman/app/epp.h"
#include "pointsman/app/replay.h"
#include "pointsman/app/serve.h"
#include "pointsman/app/simulate.h"
#include "pointsman/app/tap.h"
#include "pointsman/app/whatif.h"
#include "pointsman/app/why.h"
#include "pointsman/base/clock.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/wire/loop.h"

namespace {

using namespace pointsman;  // main() alone; nothing is declared here that could clash

void print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

int leave(const Exit& exit) {
  print(stdout, exit.out);
  if (exit.code == 1) {
    Log log;
    Logger(log, "setup").error("Failed to validate flags", {{"error", exit.error}});
  } else {
    print(stderr, exit.error);
  }
  return exit.code;
}

struct Run {
  int operator()(const ServeFlags& flags) const { return serve(flags); }
  int operator()(const EppFlags& flags) const { return epp(flags); }
  int operator()(const SimFlags& flags) const { return simulate(flags); }
  int operator()(const LoadFlags& flags) const { return load(flags); }
  int operator()(const CheckFlags& flags) const { return check(flags); }
  int operator()(const WhyFlags& flags) const {
    const auto text =
        why({.admin = flags.admin, .id = flags.id.empty() ? "last" : flags.id, .json = flags.json});
    if (!text) {
      print(stderr, "pointsman why: " + text.error().message + "\n");
      return 1;
    }
    print(stdout, *text);
    return 0;
  }
  int operator()(const ReplayFlags& flags) const {
    const auto report = replay({.paths = flags.paths,
                                .config_file = flags.config_file,
                                .threads = static_cast<std::size_t>(flags.threads)});
    if (!report) {
      print(stderr, "pointsman replay: " + report.error().message + "\n");
      return 2;
    }
    print(stdout, to_text(*report));
    return report->different == 0 ? 0 : 1;
  }
  int operator()(const WhatIfFlags& flags) const {
    const auto report = what_if({.paths = flags.paths, .config_file = flags.config_file});
    if (!report) {
      print(stderr, "pointsman whatif: " + report.error().message + "\n");
      return 2;
    }
    print(stdout, to_text(*report));
    return 0;
  }
  int operator()(const TapFlags& flags) const {
    const auto done = tap({.admin = flags.admin,
                           .where = flags.where,
                           .count = static_cast<std::size_t>(flags.count),
                           .json = flags.json});
    if (done) return 0;
    print(stderr, "pointsman tap: " + done.error().message + "\n");
    return 1;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv, argv + argc);
  const auto command = read_command_line(words, [](std::string_view name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet
    const char* const value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
  if (command && (std::holds_alternative<ServeFlags>(*command) ||
                  std::holds_alternative<EppFlags>(*command))) {
    StopSignals::hold();
  }
  Clock::now();  // calibrates
  return command ? std::visit(Run{}, *command) : leave(command.error());
}
