#include "pointsman/app/command_line.h"

#include <array>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/app/command_pages.h"
#include "pointsman/config/nearest.h"

namespace pointsman {
namespace {

Exit misused(const Page& page, const std::string& problem) {
  return {.code = 2,
          .error = problem + "\n\nUsage: " + std::string(page.usage) + "\nRun `pointsman " +
                   std::string(page.name) + " --help` for all flags.\n"};
}

template <typename Flags>
std::expected<Command, Exit> read(const Page& page, std::span<const std::string_view> words,
                                  const Environment& environment) {
  Flags values;
  bool version = false;
  FlagSet flags(page.usage, page.about);
  flags.epilogue(page.epilogue);
  values.declare(flags);
  flags.group("Other");
  flags.add({.name = "version", .help = "Which version this is.", .in_log = InLog::nothing},
            version);
  if (const auto parsed = flags.parse(words); !parsed) {
    return std::unexpected(misused(page, parsed.error().message));
  }
  if (flags.help_asked()) return std::unexpected(Exit{.out = flags.help()});
  if (version) {
    return std::unexpected(Exit{.out = "pointsman " + std::string(kVersion) + "\n"});
  }
  const auto& extra = flags.positional();
  if (extra.size() > page.most_words) {
    return std::unexpected(
        misused(page, "unexpected argument: " + std::string(extra[page.most_words])));
  }
  if (const auto done = values.finish(flags, environment); !done) {
    return std::unexpected(Exit{.code = 1, .error = done.error().message});
  }
  if constexpr (requires { values.router; }) values.router.processed = flags.values();
  return values;
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);
}

}  // namespace

void SimFlags::declare(FlagSet& flags) {
  flags.group("Servers");
  flags.add({.name = "count", .value = "N", .help = "How many servers, each on its own port."},
            count);
  flags.add({.name = "port", .value = "PORT", .help = "Port of the first; the others follow."},
            port);
  flags.add({.name = "host", .value = "ADDRESS", .help = "Address to listen on."}, host);
  flags.add({.name = "model", .value = "NAME", .help = "Name of the model they serve."}, model);
  flags.add({.name = "lora", .value = "NAME", .help = "An adapter they serve too."}, loras);
  flags.add({.name = "proxy-port",
             .value = "PORT",
             .help = "Also run a plain round-robin proxy before them, to compare routers with."},
            proxy_port);
  flags.group("Timing");
  flags.add({.name = "time-scale",
             .value = "X",
             .help = "Times as fast as a real server: 5 makes five model seconds pass in one."},
            time_scale);
  flags.add({.name = "pace",
             .value = "DURATION",
             .help = "One token after each such time, whatever the load, in place of the model."},
            pace);
  flags.add({.name = "output-tokens",
             .value = "N",
             .help = "Length of an answer whose request sets no max_tokens."},
            output_tokens);
  flags.add({.name = "real-size",
             .help = "512 tokens of the model are 2,048 bytes of prompt rather than 256."},
            real_size);
  flags.add({.name = "seed", .value = "N", .help = "Of everything random; equal runs are equal."},
            seed);
}

Result<void> SimFlags::finish(const FlagSet& /*flags*/, const Environment& /*environment*/) {
  if (count < 1 || count > 1000) {
    return wrong("--count must be between 1 and 1000, got " + std::to_string(count));
  }
  if (port < 1 || port + count - 1 > 65'535) {
    return wrong("--port and the " + std::to_string(count - 1) +
                 " ports after it must be between 1 and 65535, got " + std::to_string(port));
  }
  if (!(time_scale >= 0.001 && time_scale <= 1000.0)) {
    return wrong("--time-scale must be between 0.001 and 1000");
  }
  if (pace < pace.zero()) return wrong("--pace must not be negative");
  if (output_tokens < 1 || output_tokens > 1'000'000) {
    return wrong("--output-tokens must be between 1 and 1000000");
  }
  if (proxy_port < 0 || proxy_port > 65'535) {
    return wrong("--proxy-port must be between 1 and 65535");
  }
  return {};
}

void LoadFlags::declare(FlagSet& flags) {
  flags.group("Workload");
  flags.add(
      {.name = "trace", .value = "FILE", .help = "Recorded requests, one JSON object a line."},
      trace);
  flags.add({.name = "warm-up", .value = "N", .help = "Requests that are sent but not counted."},
            warm_up);
  flags.add({.name = "requests", .value = "N", .help = "Requests that follow and count."},
            requests);
  flags.add({.name = "target", .value = "NAME=URL", .help = "Where to; each gets every request."},
            targets);
  flags.add({.name = "model", .value = "NAME", .help = "Model to ask for."}, model);
  flags.group("Timing");
  flags.add({.name = "time-scale", .value = "X", .help = "The time scale of the servers."},
            time_scale);
  flags.add({.name = "real-size", .help = "As of the servers."}, real_size);
  flags.group("Output");
  flags.add({.name = "json", .help = "The result as JSON rather than as a table."}, json);
}

Result<void> LoadFlags::finish(const FlagSet& /*flags*/, const Environment& /*environment*/) {
  if (trace.empty()) return wrong("--trace must be given");
  if (targets.empty()) return wrong("--target must be given");
  for (const std::string& target : targets) {
    const std::size_t equals = target.find('=');
    if (equals == 0 || equals == std::string::npos) return wrong("--target must be NAME=URL");
  }
  if (warm_up < 0 || requests < 1) return wrong("--warm-up and --requests must be positive");
  if (!(time_scale >= 0.001 && time_scale <= 1000.0)) {
    return wrong("--time-scale must be between 0.001 and 1000");
  }
  return {};
}

void CheckFlags::declare(FlagSet& flags) {
  flags.group("Configuration");
  flags.add({.name = "config-file",
             .value = "FILE",
             .help = "EndpointPickerConfig, YAML or JSON; without one, the built-in default."},
            config_file);
  flags.add({.name = "config-text", .value = "TEXT", .help = "The same, given inline."},
            config_text);
  flags.add({.name = "resources-file",
             .value = "FILE",
             .help = "Also says what is wrong with InferenceObjective and InferenceModelRewrite "
                     "resources."},
            resources_file);
  flags.add({.name = "allow-experimental-plugins", .help = "Permit plugins of stability Alpha."},
            allow_experimental_plugins);
  flags.group("Repair");
  flags.add({.name = "fix",
             .help = "Replace old spellings in the file's own text, comments and all, show the "
                     "difference and write FILE.fixed.yaml."},
            fix);
  flags.add({.name = "in-place", .help = "With --fix: write the file itself."}, in_place);
  flags.add({.name = "output",
             .value = "FILE",
             .help = "With --fix: write this file; - is the standard output.",
             .letter = 'o'},
            output);
  flags.group("Documentation");
  flags.add({.name = "schema", .help = "Print the JSON schema of a configuration."}, schema);
  flags.add({.name = "reference", .help = "Print the reference page of all plugins, Markdown."},
            reference);
}

Result<void> CheckFlags::finish(const FlagSet& flags, const Environment& /*environment*/) {
  if (!flags.positional().empty()) {
    if (flags.given("config-file")) return wrong("a FILE and --config-file exclude each other");
    config_file = flags.positional().front();
  }
  if (!config_file.empty() && !config_text.empty()) {
    return wrong(
        R"(both the "config-file" and "config-text" flags cannot be set at the same time)");
  }
  if (!fix && (in_place || !output.empty())) return wrong("--in-place and -o need --fix");
  if (in_place && !output.empty()) return wrong("--in-place and -o exclude each other");
  if (fix && config_file.empty() && config_text.empty()) return wrong("--fix needs --config-file");
  if (fix && !resources_file.empty()) return wrong("--fix and --resources-file exclude each other");
  if (in_place && config_file.empty()) return wrong("--in-place needs --config-file");
  return {};
}

void WhyFlags::declare(FlagSet& flags) {
  flags.group("Which decision");
  flags.add({.name = "last", .help = "The latest one, which is also meant without an ID."}, last);
  flags.add({.name = "admin",
             .value = "URL",
             .help = "Metrics port of the router; it tells of decisions on its own machine only."},
            admin);
  flags.add({.name = "json", .help = "The whole record as JSON."}, json);
}

Result<void> WhyFlags::finish(const FlagSet& flags, const Environment& /*environment*/) {
  if (!flags.positional().empty()) id = flags.positional().front();
  if (!id.empty() && last) return wrong("an ID and --last exclude each other");
  const bool hex = id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!id.empty() && (id.size() != 16 || !hex)) {
    return wrong("a decision ID has 16 hexadecimal digits, got " + id);
  }
  last = id.empty();
  return {};
}

std::expected<Command, Exit> read_command_line(std::span<const std::string_view> argv,
                                               const Environment& environment) {
  if (!argv.empty() && base_name(argv.front()) == "epp") {
    return read<EppFlags>(kEpp, argv.subspan(1), environment);
  }
  if (argv.size() < 2) return std::unexpected(Exit{.code = 2, .error = std::string(kHelp)});
  std::string_view command = argv[1];
  auto words = argv.subspan(2);
  constexpr std::array<std::string_view, 1> kExplain = {"--help"};
  if (command == "help" && !words.empty()) {  // `help serve` is `serve --help`
    command = words.front();
    words = kExplain;
  }
  if (command == kServe.name) return read<ServeFlags>(kServe, words, environment);
  if (command == kEpp.name) return read<EppFlags>(kEpp, words, environment);
  if (command == kSim.name) return read<SimFlags>(kSim, words, environment);
  if (command == kLoad.name) return read<LoadFlags>(kLoad, words, environment);
  if (command == kCheck.name) return read<CheckFlags>(kCheck, words, environment);
  if (command == kWhy.name) return read<WhyFlags>(kWhy, words, environment);
  if (command == kTap.name) return read<TapFlags>(kTap, words, environment);
  if (command == kReplay.name) return read<ReplayFlags>(kReplay, words, environment);
  if (command == kWhatIf.name) return read<WhatIfFlags>(kWhatIf, words, environment);
  if (command == "--help" || command == "-h" || command == "help") {
    return std::unexpected(Exit{.out = std::string(kHelp)});
  }
  if (command == "--version") {
    return std::unexpected(Exit{.out = "pointsman " + std::string(kVersion) + "\n"});
  }
  constexpr std::array<std::string_view, 9> kCommands = {"serve", "epp", "sim",    "check", "why",
                                                         "load",  "tap", "replay", "whatif"};
  const std::string hint = suggestion(command, kCommands);
  std::string names;
  for (const std::string_view name : kCommands) names.append(names.empty() ? "" : "|").append(name);
  return std::unexpected(Exit{.code = 2,
                              .error = "unknown command: " + std::string(command) +
                                       (hint.empty() ? "" : " (" + hint + ")") +
                                       "\n\nUsage: pointsman " + names +
                                       " [flags]\nRun `pointsman --help` for what they do.\n"});
}

}  // namespace pointsman
