#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pointsman/app/epp_flags.h"
#include "pointsman/app/router_flags.h"
#include "pointsman/app/serve_flags.h"

namespace pointsman {

inline constexpr std::string_view kVersion = "0.1.0";

// The command line of `pointsman sim`, simulated model servers.
struct SimFlags {
  int count = 1;
  std::string host = "127.0.0.1";
  int port = 8000;  // of the first server; the next ones follow
  std::string model = "sim-model";
  double time_scale = 1.0;  // how many times as fast as the model's clock
  std::uint64_t seed = 1;
  std::vector<std::string> loras;
  bool real_size = false;
  std::chrono::nanoseconds pace{};  // zero: the timing model
  int output_tokens = 128;
  int proxy_port = 0;  // 0: no proxy

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

// The command line of `pointsman load`, which replays a recorded workload to compare routers. Not
// listed in the help: it goes with `./dev run` and the benches.
struct LoadFlags {
  std::string trace;
  std::vector<std::string> targets;  // NAME=URL
  int warm_up = 240;
  int requests = 240;
  double time_scale = 1.0;
  bool real_size = false;
  std::string model = "sim-model";
  bool json = false;

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

// The command line of `pointsman check`, which judges a configuration.
struct CheckFlags {
  std::string config_file;
  std::string config_text;
  std::string resources_file;  // empty: only the configuration is checked
  bool allow_experimental_plugins = false;
  bool fix = false;        // rewrite old spellings
  bool in_place = false;   // into config_file itself
  std::string output;      // or into this file
  bool schema = false;     // print the JSON schema and do nothing else
  bool reference = false;  // print the reference page of plugins and do nothing else

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

// The command line of `pointsman why`, which explains a decision.
struct WhyFlags {
  std::string id;  // empty: the last one
  bool last = false;
  std::string admin = "http://127.0.0.1:9090";
  bool json = false;

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

// The command line of `pointsman replay`, which decides recorded decisions again.
struct ReplayFlags {
  std::vector<std::string> paths;
  std::string config_file;
  int threads = 0;  // 0: one per core

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

// The command line of `pointsman whatif`, which lets another configuration decide them.
struct WhatIfFlags {
  std::vector<std::string> paths;
  std::string config_file;

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

// The command line of `pointsman tap`, which shows the decisions of a running router as they end.
struct TapFlags {
  std::string where;
  std::string admin = "http://127.0.0.1:9090";
  int count = 0;  // ends after so many; 0: never
  bool json = false;

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

using Command = std::variant<ServeFlags, EppFlags, SimFlags, LoadFlags, CheckFlags, WhyFlags,
                             ReplayFlags, WhatIfFlags, TapFlags>;

// The process has nothing to run.
struct Exit {
  int code = 0;            // 0: help or version; 1: flags that contradict; 2: a bad command line
  std::string out = {};    // for stdout
  std::string error = {};  // for stderr; of code 1: the one line `error`, to be logged as
                           // `Failed to validate flags`
};

// Reads a whole command line, argv[0] included. Under the name `epp` the binary is `pointsman epp`,
// as launch scripts of the reference expect.
std::expected<Command, Exit> read_command_line(std::span<const std::string_view> argv,
                                               const Environment& environment);

}  // namespace pointsman
