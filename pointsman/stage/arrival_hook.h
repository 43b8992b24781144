#pragma once

#include "pointsman/base/result.h"
#include "pointsman/model/request.h"
#include "pointsman/model/signals.h"
#include "pointsman/stage/header_edits.h"

namespace pointsman {

// The cell through which an ArrivalHook names the client that a request is accounted to, when no
// header does.
inline constexpr std::string_view kAgentIdentityKey = "agent-identity";

// Looks at a request when its headers and body have been read, and nothing else is known.
class ArrivalHook {
 public:
  virtual ~ArrivalHook() = default;

  // May write the cells it declared, and headers of the message to the model server. An error ends
  // the request as it is.
  // Threading: called concurrently. Must not block.
  virtual Result<void> arrived(const Request& request, Signals& signals,
                               HeaderEdits& headers) const = 0;
};

}  // namespace pointsman
