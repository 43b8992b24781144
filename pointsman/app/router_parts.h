#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "pointsman/app/router.h"
#include "pointsman/base/result.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/engine/assembly.h"
#include "pointsman/fleet/scraper.h"
#include "pointsman/stage/datalayer.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/wire/address.h"

namespace pointsman {

// What a router needs both when it starts and when it reloads.

// Phase one of loading, from wherever the flags say that the configuration is.
ExaminedConfig examine(const RouterFlags& flags);

// A configuration that is refused: the first problem is the error, the others follow, one a line.
void log_problems(const Logger& log, std::string_view message, const Diagnostics& problems);
void log_warnings(const Logger& log, const Diagnostics& warnings);

// What the start says of a configuration that is refused with this first problem (spec/10 2).
std::string_view start_failure(const Diagnostic& first);

// Where the admin port is. Without Kubernetes nobody can check a token: one that asks for a token
// stays on this machine.
std::vector<Address> admin_addresses(const RouterFlags& flags);

// The discovery that was asked for; the three ways exclude each other.
// Errors: invalid_config, for none or several.
Result<std::shared_ptr<Discovery>> choose_discovery(const RouterSetup& setup,
                                                    const Assembly& assembly);

std::vector<ScrapeSource> scrape_sources(const Assembly& assembly);
// Whether both read the same pages in the same way.
bool same_sources(const Assembly& a, const Assembly& b);

}  // namespace pointsman
