#pragma once

#include "pointsman/base/clock.h"
#include "pointsman/model/fleet.h"
#include "pointsman/model/request.h"
#include "pointsman/model/signals.h"
#include "pointsman/model/trace.h"

namespace pointsman {

// What a filter, scorer, picker or profile handler may look at: recorded values only, so that the
// same context gives the same answer again.
struct Context {
  const Request& request;
  const Fleet& fleet;
  const Signals& signals;
  Trace& trace;                      // inner spans nest under the caller's
  Clock::time_point now;             // of this decision
  Clock::time_point stale_before{};  // a load read earlier counts as missing

  // A load signal of an endpoint, NaN when it is missing or stale.
  double load(Load which, EndpointIndex e) const {
    const LoadColumn& column = fleet.load(which);
    return column.at[e] < stale_before ? kMissing : column.value[e];
  }
};

}  // namespace pointsman
