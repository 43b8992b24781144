#include "pointsman/plugins/handlers/data_parallel.h"

namespace pointsman {

using Stage = ProfileState::Stage;

void name_rank(const Context& context, const Decision& decision, HeaderEdits& headers) {
  const auto targets = decision.targets();
  if (targets.empty()) return;
  headers.set("x-data-parallel-host-port", context.fleet[targets.front()].host_port);
}

Result<void> check_primary_port(int port) {
  if (port >= 0 && port <= 65'535) return {};
  return fail(Code::invalid_config,
              "invalid primaryPort: must be between 1 and 65535, got " + std::to_string(port));
}

DataParallelProfileHandler::DataParallelProfileHandler(Params params, Setup& /*setup*/)
    : port_(static_cast<std::uint16_t>(params.primary_port)) {}

void DataParallelProfileHandler::choose(const Context& /*context*/,
                                        std::span<ProfileState> profiles,
                                        std::span<bool> run) const {
  if (profiles.size() == 1 && profiles[0].stage == Stage::not_run) run[0] = true;
}

Result<std::size_t> DataParallelProfileHandler::conclude(
    const Context& /*context*/, std::span<const ProfileState> profiles) const {
  if (profiles.size() != 1) {
    return fail(Code::internal,
                "data parallel profile handler is intended to be used with a single profile, "
                "failed to process multiple profiles");
  }
  if (profiles[0].stage != Stage::ran) {
    return fail(Code::resource_exhausted,
                "failed to run scheduler profile '" + std::string(profiles[0].name) + "'");
  }
  return 0;
}

Result<void> DataParallelProfileHandler::dispatched(const Context& context,
                                                    const Decision& decision, Effects& effects) {
  name_rank(context, decision, effects.headers);
  return {};
}

}  // namespace pointsman
