#pragma once

#include "pointsman/base/clock.h"
#include "pointsman/model/fleet.h"
#include "pointsman/model/request.h"
#include "pointsman/model/signals.h"
#include "pointsman/model/trace.h"

namespace pointsman {

// One load signal as a decision sees it: a stale value is a missing one. Holds plain pointers, so
// that a loop over it stays in registers.
class LoadView {
 public:
  LoadView(const LoadColumn& column, Clock::time_point stale_before)
      : value_(column.value.data()), at_(column.at.data()), stale_before_(stale_before) {}

  // NaN when missing or stale.
  double operator[](EndpointIndex e) const { return at_[e] < stale_before_ ? kMissing : value_[e]; }

 private:
  const double* value_;
  const Clock::time_point* at_;
  Clock::time_point stale_before_;
};

// What a filter, scorer, picker or profile handler may look at: recorded values only, so that the
// same context gives the same answer again.
struct Context {
  const Request& request;
  const Fleet& fleet;
  const Signals& signals;
  Trace& trace;                      // inner spans nest under the caller's
  Clock::time_point now;             // of this decision
  Clock::time_point stale_before{};  // a load read earlier counts as missing
  // Serves another stage of this request and should be near; see ProfileHandler::peer().
  EndpointIndex peer = kNoEndpoint;

  LoadView load(Load which) const { return {fleet.load(which), stale_before}; }
  LoadView view(const LoadColumn& column) const { return {column, stale_before}; }
};

}  // namespace pointsman
