#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/sim/replay_report.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// A recorded workload, sent at its own pace to one or more servers or routers at once.
struct ReplayOptions {
  struct Target {
    std::string name;
    std::string url;  // http://host:port
  };

  std::string trace;           // file in the form of parse_trace()
  std::size_t warm_up = 240;   // requests at the beginning that fill the caches and are not counted
  std::size_t requests = 240;  // counted ones that follow
  double time_scale = 1;       // model seconds per second, as of the servers
  bool real_size = false;      // as of the servers
  std::string model = "sim-model";
  std::uint32_t max_tokens = 4096;  // of every request: a router cannot tell short answers by it
  std::vector<Target> targets{};
};

// Replays: every request goes to every target at the same moment, as a streamed text completion
// whose prompt has the wire form of the trace. `progress` is called about once a second, with the
// index of the latest request sent. Errors: invalid_config (options), io or bad_request (trace),
// io (a target's name has no address). Failed requests are no error, but counted.
using ReplayProgress =
    std::function<void(std::size_t sent, const std::vector<ReplayedTarget>& so_far)>;
Result<std::vector<ReplayedTarget>> replay(Loop& loop, const ReplayOptions& options,
                                           const ReplayProgress& progress);

// The same on this thread, with a live line and, at the end, the table (or JSON) on standard
// output.
Result<void> run_replay(const ReplayOptions& options, bool as_json);

}  // namespace pointsman
