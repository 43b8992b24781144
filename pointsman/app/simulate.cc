#include "pointsman/app/simulate.h"

#include <cstdint>
#include <cstdio>
#include <string>

#include "pointsman/sim/sim.h"

namespace pointsman {

int simulate(const SimFlags& flags) {
  SimOptions options{.count = static_cast<std::size_t>(flags.count),
                     .host = flags.host,
                     .port = static_cast<std::uint16_t>(flags.port),
                     .time_scale = flags.time_scale,
                     .seed = flags.seed,
                     .model = flags.model};
  const auto ran = run_sim(options);
  if (ran) return 0;
  const std::string text = "pointsman sim: " + ran.error().message + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
  return 1;
}

}  // namespace pointsman
