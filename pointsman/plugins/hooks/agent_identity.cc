#include "pointsman/plugins/hooks/agent_identity.h"

#include "pointsman/base/text.h"

namespace pointsman {

AgentIdentity::AgentIdentity(const Params& params, Setup& setup)
    : agent_(setup.writes_cell<SessionId>({std::string(kAgentIdentityKey), ""})) {
  for (const std::string& header : params.headers) headers_.push_back(to_lower(header));
  for (const char* header :
       {"x-claude-code-session-id", "x-session-affinity", "session-id", "session_id"}) {
    headers_.emplace_back(header);
  }
}

Result<void> AgentIdentity::arrived(const Request& request, Signals& signals,
                                    HeaderEdits& /*headers*/) const {
  for (const std::string& header : headers_) {
    const std::string_view value = request.header(header);
    if (value.empty()) continue;
    signals.write(agent_) = {.id = value};
    break;
  }
  return {};
}

}  // namespace pointsman
