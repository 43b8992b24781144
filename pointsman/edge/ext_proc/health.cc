#include "pointsman/edge/ext_proc/health.h"

namespace pointsman {

Serving health_of(std::string_view service, const HealthInputs& inputs) {
  const bool asks_plugins = service.empty() || service == "readiness" || service == kExtProcService;
  const bool serving =
      inputs.live && inputs.proto && !inputs.draining && (inputs.ready || !asks_plugins);
  return serving ? Serving::serving : Serving::not_serving;
}

}  // namespace pointsman
