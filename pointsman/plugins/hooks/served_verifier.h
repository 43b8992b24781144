#pragma once

#include "pointsman/stage/registry.h"

namespace pointsman {

// Tells the client which endpoint the proxy says it has reached, for conformance tests of gateways.
class ServedVerifier final : public ResponseHook {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "destination-endpoint-served-verifier";
  static constexpr std::string_view kHelp =
      "For conformance tests: tells the client which endpoint the proxy has reached.";

  // It reports an empty type, as the reference's.
  ServedVerifier(Params /*params*/, Setup& setup) { setup.report_type({}); }

  void answered(const Context& /*context*/, const Decision& /*decision*/, const Answer& answer,
                Effects& effects) override {
    effects.headers.set(
        "x-conformance-test-served-endpoint",
        !answer.proxy_tells
            ? "fail: missing envoy lb metadata"
            : answer.served.value_or("fail: missing destination endpoint served metadata"));
  }
};

}  // namespace pointsman
