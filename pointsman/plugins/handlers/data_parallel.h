#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Names the rank a request is meant for, while it goes to the pod's primary port: the header
// x-data-parallel-host-port, with the first target.
void name_rank(const Context& context, const Decision& decision, HeaderEdits& headers);

// Errors: invalid_config, for what is no port; 0 is allowed.
Result<void> check_primary_port(int port);

struct DataParallelParams {
  int primary_port = 8000;

  static constexpr auto fields() {
    using P = DataParallelParams;
    return std::tuple{field("primaryPort", &P::primary_port,
                            "The port of a pod's first rank, to which every request goes.")};
  }
  static Result<void> check(const DataParallelParams& params) {
    return check_primary_port(params.primary_port);
  }
};

// Picks among the data-parallel ranks of all pods, and sends the request to the pod's first port,
// where a sidecar hands it to the rank that a header names (spec/08 section 2.7).
class DataParallelProfileHandler final : public ProfileHandler, public Hook {
 public:
  using Params = DataParallelParams;
  static constexpr std::string_view kType = "data-parallel-profile-handler";
  static constexpr std::string_view kHelp =
      "Runs the one profile over data-parallel ranks, and sends requests to the pod's first port.";

  DataParallelProfileHandler(Params params, Setup& setup);
  void choose(const Context& context, std::span<ProfileState> profiles,
              std::span<bool> run) const override;
  Result<std::size_t> conclude(const Context& context,
                               std::span<const ProfileState> profiles) const override;
  std::optional<std::uint16_t> target_port() const override { return port_; }
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;

 private:
  std::uint16_t port_;
};

}  // namespace pointsman
