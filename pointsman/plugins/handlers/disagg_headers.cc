#include "pointsman/plugins/handlers/disagg_headers.h"

#include <utility>

namespace pointsman {

DisaggHeadersHandler::DisaggHeadersHandler(Params params, Setup& setup)
    : headers_(std::move(params.prefill), std::move(params.encode)) {
  setup.report_type(std::string(kType));
}

Result<void> DisaggHeadersHandler::dispatched(const Context& context, const Decision& decision,
                                              Effects& effects) {
  headers_.dispatched(context, decision, effects.headers);
  return {};
}

}  // namespace pointsman
