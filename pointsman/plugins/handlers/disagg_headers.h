#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/plugins/handlers/stage_headers.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct DisaggHeadersParams {
  std::string prefill = "prefill";
  std::string encode = "encode";

  static constexpr auto fields() {
    using P = DisaggHeadersParams;
    return std::tuple{
        field("prefillProfile", &P::prefill, "Picks the server that computes the prompt."),
        field("encodeProfile", &P::encode, "Picks the servers that encode media.")};
  }
};

// Writes the headers of disaggregated serving. disagg-profile-handler does so itself; this one is
// for configurations of earlier releases, under two names.
class DisaggHeadersHandler final : public Hook {
 public:
  using Params = DisaggHeadersParams;
  static constexpr std::string_view kType = "disagg-headers-handler";
  static constexpr std::string_view kOldType = "prefill-header-handler";
  static constexpr std::string_view kHelp = "Tells the decode server who computes the prompt.";

  DisaggHeadersHandler(Params params, Setup& setup);
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;

 private:
  StageHeaders headers_;
};

}  // namespace pointsman
