#pragma once

#include <string>
#include <vector>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct AgentIdentityParams {
  std::vector<std::string> headers;

  static constexpr auto fields() {
    return std::tuple{
        field("additionalSessionHeaders", &AgentIdentityParams::headers,
              "Headers that are looked at before the built-in ones; case does not count."),
    };
  }
};

// Finds out which session of a coding agent a request belongs to, from the headers that such agents
// send. Without a fairness header the request is accounted to that session.
class AgentIdentity final : public ArrivalHook {
 public:
  using Params = AgentIdentityParams;
  static constexpr std::string_view kType = "agent-identity";
  static constexpr std::string_view kHelp =
      "Finds the session of a coding agent in its headers; requests without a fairness header are "
      "accounted to it.";
  static constexpr std::string_view kParseError = "agent-identity: failed to decode parameters: ";

  AgentIdentity(const Params& params, Setup& setup);
  Result<void> arrived(const Request& request, Signals& signals,
                       HeaderEdits& headers) const override;

 private:
  std::vector<std::string> headers_;  // lower-case, in the order in which they are looked at
  Cell<SessionId> agent_;
};

}  // namespace pointsman
