#pragma once

#include "pointsman/base/clock.h"
#include "pointsman/engine/session.h"
#include "pointsman/telemetry/log.h"

namespace pointsman {

// The one line of a request that is over (spec/07 section 12): what it was, where it went, how it
// ended, how long it took. A request that went as it should, or whose client went away, at
// verbosity kDefault; one that was refused and one whose model server failed at kInfo; a fault of
// the router or of a model server that could not be used as an error. Costs one load when the line
// is not shown.
//
// Names stand in it cut to kMaxClientText; neither prompts, nor headers, nor keys do.
void log_request(const Logger& log, const Session& session, Outcome::End end);

}  // namespace pointsman
