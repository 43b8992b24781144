#pragma once

#include <string>
#include <tuple>

#include "pointsman/config/params.h"

namespace pointsman {

// The parameters of disagg-profile-handler (spec/08 section 2.2).
struct DisaggParams {
  struct Profiles {
    std::string decode = "decode";
    std::string prefill = "prefill";
    std::string encode = "encode";
    static constexpr auto fields() {
      using P = Profiles;
      return std::tuple{
          field("decode", &P::decode, "Picks the server that answers."),
          field("prefill", &P::prefill, "Picks the server that computes the prompt."),
          field("encode", &P::encode, "Picks the servers that encode images, audio and video.")};
    }
  };
  struct Deciders {
    std::string prefill;
    std::string encode;
    static constexpr auto fields() {
      using P = Deciders;
      return std::tuple{
          field("prefill", &P::prefill, "Plugin that says when to prefill elsewhere; none: never."),
          field("encode", &P::encode, "Plugin that says when to encode elsewhere; none: never.")};
    }
  };

  std::string stage_order = "decode-first";
  Profiles profiles;
  Deciders deciders;
  bool prefill_first = false;  // what stage_order means

  static constexpr auto fields() {
    using P = DisaggParams;
    return std::tuple{
        field("stageOrder", &P::stage_order, "decode-first or prefill-first."),
        field("profiles", &P::profiles, "Which scheduling profile is which stage."),
        field("deciders", &P::deciders, "Which plugins decide about a stage."),
    };
  }

  // Reads the form above or, when that fails, the older flat one. Errors name both causes.
  static Result<DisaggParams> read(const Block& block);
};

}  // namespace pointsman
