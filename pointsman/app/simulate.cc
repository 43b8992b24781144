#include "pointsman/app/simulate.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "pointsman/sim/replay.h"
#include "pointsman/sim/sim.h"

namespace pointsman {
namespace {

int exit_code(std::string_view command, const Result<void>& ran) {
  if (ran) return 0;
  const std::string text = "pointsman " + std::string(command) + ": " + ran.error().message + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
  return 1;
}

}  // namespace

int simulate(const SimFlags& flags) {
  SimOptions options{.count = static_cast<std::size_t>(flags.count),
                     .host = flags.host,
                     .port = static_cast<std::uint16_t>(flags.port),
                     .time_scale = flags.time_scale,
                     .seed = flags.seed,
                     .real_size = flags.real_size,
                     .output_tokens = static_cast<std::uint32_t>(flags.output_tokens),
                     .model = flags.model,
                     .loras = flags.loras};
  if (flags.proxy_port != 0) options.proxy_port = static_cast<std::uint16_t>(flags.proxy_port);
  if (flags.pace != flags.pace.zero()) options.pace = flags.pace;
  return exit_code("sim", run_sim(options));
}

int load(const LoadFlags& flags) {
  ReplayOptions options{.trace = flags.trace,
                        .warm_up = static_cast<std::size_t>(flags.warm_up),
                        .requests = static_cast<std::size_t>(flags.requests),
                        .time_scale = flags.time_scale,
                        .real_size = flags.real_size,
                        .model = flags.model};
  for (const std::string& target : flags.targets) {
    const std::size_t equals = target.find('=');
    options.targets.push_back({.name = target.substr(0, equals), .url = target.substr(equals + 1)});
  }
  return exit_code("load", run_replay(options, flags.json));
}

}  // namespace pointsman
