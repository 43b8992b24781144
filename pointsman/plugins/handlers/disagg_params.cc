#include "pointsman/plugins/handlers/disagg_params.h"

#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

// The form of earlier releases. It is still read, without the word "deprecated" in every start.
struct FlatParams {
  std::string stage_order = "decode-first";
  std::string decode = "decode";
  std::string prefill = "prefill";
  std::string encode = "encode";
  std::string prefill_decider;
  std::string decider;
  std::string encode_decider;

  static constexpr auto fields() {
    using P = FlatParams;
    return std::tuple{
        field("stageOrder", &P::stage_order, "decode-first or prefill-first."),
        field("decodeProfile", &P::decode, "Now profiles.decode."),
        field("prefillProfile", &P::prefill, "Now profiles.prefill."),
        field("encodeProfile", &P::encode, "Now profiles.encode."),
        field("prefillDeciderPluginName", &P::prefill_decider, "Now deciders.prefill."),
        field("deciderPluginName", &P::decider, "Now deciders.prefill."),
        field("encodeDeciderPluginName", &P::encode_decider, "Now deciders.encode."),
    };
  }
};

// "Prefill_First" and "prefill-first" are one.
std::string plain(std::string_view order) {
  std::string out;
  for (const char c : order) {
    if (c == '-' || c == '_') continue;
    out += to_lower(c);
  }
  return out;
}

Result<DisaggParams> checked(DisaggParams params) {
  const std::string order = plain(params.stage_order);
  params.prefill_first = order == "prefillfirst" || order == "prefill";
  if (!params.prefill_first && !order.empty() && order != "decodefirst" && order != "decode") {
    return fail(Code::invalid_config, "invalid stage order \"" + params.stage_order +
                                          "\", must be \"decode-first\" or \"prefill-first\"");
  }
  if (params.prefill_first && !params.deciders.prefill.empty()) {
    return fail(Code::invalid_config,
                "prefill decider is not supported in prefill-first stage order");
  }
  return params;
}

}  // namespace

Result<DisaggParams> DisaggParams::read(const Block& block) {
  auto nested = parse<DisaggParams>(block);
  if (nested) return checked(*std::move(nested));
  auto flat = parse<FlatParams>(block);
  if (!flat) {
    return fail(Code::invalid_config,
                "failed to parse parameters of the disagg-profile-handler: nested schema error: " +
                    nested.error().message + "; legacy schema error: " + flat.error().message +
                    "; use one of the two forms only");
  }
  DisaggParams params;
  params.stage_order = flat->stage_order;
  params.profiles = {flat->decode, flat->prefill, flat->encode};
  params.deciders = {flat->prefill_decider.empty() ? flat->decider : flat->prefill_decider,
                     flat->encode_decider};
  return checked(std::move(params));
}

}  // namespace pointsman
