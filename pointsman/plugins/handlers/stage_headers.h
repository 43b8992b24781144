#pragma once

#include <string>

#include "pointsman/stage/producer.h"

namespace pointsman {

// Tells the sidecar of the decode server which servers compute the prompt and encode its media:
// the headers x-prefiller-host-port and x-encoder-hosts-ports, and the span prepare_disaggregation
// (spec/08 section 2.5). What a client sent under these names is removed.
class StageHeaders {
 public:
  static constexpr std::string_view kPrefiller = "x-prefiller-host-port";
  static constexpr std::string_view kEncoders = "x-encoder-hosts-ports";

  StageHeaders(std::string prefill_profile, std::string encode_profile)
      : prefill_(std::move(prefill_profile)), encode_(std::move(encode_profile)) {}

  void dispatched(const Context& context, const Decision& decision, HeaderEdits& headers) const;

 private:
  std::string prefill_;
  std::string encode_;
};

// The run of that profile that left endpoints to go to, or nullptr.
const ProfileRun* run_of(const Decision& decision, std::string_view profile);

}  // namespace pointsman
