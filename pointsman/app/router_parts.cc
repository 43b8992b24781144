#include "pointsman/app/router_parts.h"

#include <algorithm>
#include <utility>

#include "pointsman/app/builtin.h"
#include "pointsman/fleet/file_discovery.h"
#include "pointsman/fleet/static_endpoints.h"

namespace pointsman {

ExaminedConfig examine(const RouterFlags& flags) {
  return flags.config_file.empty() ? examine_config(flags.config_text, builtin_load_options())
                                   : examine_config_file(flags.config_file, builtin_load_options());
}

void log_problems(const Logger& log, std::string_view message, const Diagnostics& problems) {
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const Diagnostic& d = problems[i];
    const std::string_view what = i == 0 ? message : "also wrong";
    if (d.line == 0 && d.hint.empty()) {  // no text was read, such as of a file that is not there
      log.error(what, {{"error", d.text}});
      continue;
    }
    log.error(what, {{"error", d.text}, {"line", d.line}, {"column", d.column}, {"hint", d.hint}});
  }
}

void log_warnings(const Logger& log, const Diagnostics& warnings) {
  for (const Diagnostic& warning : warnings) {
    log.warning(warning.text, {{"line", warning.line}, {"hint", warning.hint}});
  }
}

std::string_view start_failure(const Diagnostic& first) {
  if (first.text.starts_with("discovery: ")) return "Failed to resolve discovery plugin";
  if (first.text.contains(" has Alpha stability level")) {
    return "Plugin stability validation failed";
  }
  return "Failed to parse configuration";
}

std::vector<Address> admin_addresses(const RouterFlags& flags) {
  const auto port = static_cast<std::uint16_t>(flags.metrics_port);
  if (!flags.admin_host.empty()) return {*Address::parse(flags.admin_host, port)};
  if (!flags.metrics_endpoint_auth) return {Address::everywhere(port)};
  std::vector<Address> loopback{*Address::parse("127.0.0.1", port)};
  const Address v6 = *Address::parse("::1", port);
  if (v6.is_here()) loopback.push_back(v6);
  return loopback;
}

Result<std::shared_ptr<Discovery>> choose_discovery(const RouterSetup& setup,
                                                    const Assembly& assembly) {
  const int ways = (setup.endpoints.empty() ? 0 : 1) + (setup.endpoints_file.empty() ? 0 : 1) +
                   (assembly.discovery == nullptr ? 0 : 1);
  if (ways > 1) {
    return fail(Code::invalid_config,
                "--endpoint, --endpoints-file and dataLayer.discovery exclude each other: say in "
                "one place where the endpoints are");
  }
  if (ways == 0) {
    return fail(Code::invalid_config,
                "no endpoints are named: " + std::string(setup.without_endpoints));
  }
  if (!setup.endpoints.empty()) {
    POINTSMAN_TRY(endpoints, parse_endpoint_flags(setup.endpoints));
    return std::make_shared<StaticDiscovery>(std::move(endpoints));
  }
  if (!setup.endpoints_file.empty()) {
    return std::make_shared<FileDiscovery>(
        FileDiscovery::Options{.path = setup.endpoints_file, .blame = "--endpoints-file: "});
  }
  return assembly.discovery;
}

std::vector<ScrapeSource> scrape_sources(const Assembly& assembly) {
  std::vector<ScrapeSource> sources;
  for (const Assembly::Binding& binding : assembly.sources) {
    ScrapeSource source{.name = binding.source_name, .source = binding.source, .readers = {}};
    for (std::size_t i = 0; i < binding.extractors.size(); ++i) {
      source.readers.push_back({binding.extractor_names[i], binding.extractors[i]});
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

bool same_sources(const Assembly& a, const Assembly& b) {
  // Unchanged plugins are shared between the two.
  return std::ranges::equal(a.sources, b.sources, [](const auto& x, const auto& y) {
    return x.source == y.source && x.extractors == y.extractors;
  });
}

}  // namespace pointsman
