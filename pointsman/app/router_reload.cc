// Taking over a changed configuration while requests run.

#include <string>
#include <utility>

#include "pointsman/app/builtin.h"
#include "pointsman/app/router.h"
#include "pointsman/app/router_parts.h"
#include "pointsman/config/config_text.h"

namespace pointsman {

void Router::reloaded(std::string_view result) {
  shard_.add(metrics_.series(metric::kConfigReloads, result));
}

void Router::reload() {
  if (draining()) return;
  const std::shared_ptr<const Pipeline> before = pipeline();
  AssemblyOptions options = builtin_options(setup_.flags.allow_experimental_plugins);
  options.before = &before->assembly();
  auto assembly = assemble(examine(setup_.flags), builtin_plugins(), metrics_, options);
  if (!assembly) {
    log_problems(logger_, "configuration not taken over: the one before stays", assembly.error());
    return reloaded("refused");
  }
  const EndpointPickerConfig& now = before->assembly().config;
  const bool same = to_yaml(to_node(assembly->config)) == to_yaml(to_node(now)) &&
                    assembly->config.legacy_parser == now.legacy_parser;
  if (same) {
    logger_.info(verbosity::kVerbose, "configuration unchanged", {});
    return reloaded("unchanged");
  }
  log_warnings(logger_, assembly->warnings);
  reloaded(take_over(*std::move(assembly), before) ? "applied" : "refused");
}

bool Router::take_over(Assembly assembly, const std::shared_ptr<const Pipeline>& before) {
  const auto refuse = [&](std::string text) {
    log_problems(logger_, "configuration not taken over: the one before stays",
                 {{.path = "dataLayer", .text = std::move(text)}});
    return false;
  };
  const Assembly& old = before->assembly();
  if (auto discovery = choose_discovery(setup_, assembly); !discovery) {
    return refuse(discovery.error().message);
  }
  const bool reads_others = !same_sources(assembly, old);
  if (reads_others) {
    if (auto done = fleet_->set_sources(scrape_sources(assembly)); !done) {
      return refuse(done.error().message);
    }
  }
  if (assembly.discovery != old.discovery) {
    if (auto done = fleet_->set_discovery(assembly.discovery); !done) {
      const auto back = reads_others ? fleet_->set_sources(scrape_sources(old)) : Result<void>();
      if (!back) {
        logger_.error("what was scraped before cannot be scraped again",
                      {{"error", back.error().message}});
      }
      return refuse(done.error().message);
    }
  }
  const std::size_t kept = assembly.plugins->taken_over();
  const std::size_t plugins = assembly.plugins->all().size();
  auto next = make_pipeline(std::move(assembly));
  logger_.info(
      verbosity::kDefault, "configuration taken over",
      {{"plugins", plugins}, {"unchanged", kept}, {"config", to_string(next->assembly().config)}});
  pipelines_->publish(std::move(next));
  retired_.push_back(before);
  return true;
}

}  // namespace pointsman
