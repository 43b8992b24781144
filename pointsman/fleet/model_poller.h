#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/fleet/models_text.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

// Asks each endpoint now and then which models it serves: GET /v1/models.
//
// Threading: the loop's thread.
class ModelPoller {
 public:
  struct Options {
    Clock::duration interval = std::chrono::seconds(10);
    Clock::duration first_wait = std::chrono::milliseconds(250);  // after a failure; then doubled
    Clock::duration deadline = std::chrono::seconds(5);
    TlsClientOptions tls;              // of endpoints that speak https
    std::function<std::string()> key;  // sent as bearer token unless empty; any thread
    std::optional<Logger> log = {};    // told of endpoints that begin and cease to fail
  };
  // An endpoint has told. What it told last stays true while it cannot be asked.
  using Told = std::function<void(EndpointKey, std::vector<ServedModel>)>;

  ModelPoller(Loop& loop, Options options, Told told);
  ~ModelPoller();
  ModelPoller(const ModelPoller&) = delete;
  ModelPoller& operator=(const ModelPoller&) = delete;

  // From now on these are asked, but for those whose labels tell (labelled_models()) and those
  // without an address. REQUIRES: keys are distinct; not called by `told`.
  void set_endpoints(const std::vector<Endpoint>& endpoints);

 private:
  struct State;
  class Target;
  std::unique_ptr<State> state_;
};

// The models that an endpoint's label `model` or `models` names, parted by commas; none: it has no
// such label.
std::vector<std::string> labelled_models(const Endpoint& endpoint);

}  // namespace pointsman
