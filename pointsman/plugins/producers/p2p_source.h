#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct P2pSourceParams {
  std::string producer;
  int min_delta = 1;
  std::string prefill_profile = "prefill";

  static constexpr auto fields() {
    using P = P2pSourceParams;
    return std::tuple{
        field("prefixMatchInfoProducerName", &P::producer,
              "Which producer's match is read; empty: approx-prefix-cache-producer."),
        field("minCachedTokenDelta", &P::min_delta,
              "So many tokens more than the computing endpoint the source must hold; at least 1."),
        field("prefillProfileName", &P::prefill_profile,
              "The profile that computes the prompt; without it the primary one does."),
    };
  }
  static Result<void> check(const P2pSourceParams& params);
};

// Names an endpoint from whose CPU cache the computing one can pull the prompt's beginning, in the
// header x-kv-cache-source-host-port (spec/05 section 13). Of those that hold most, one is drawn by
// the request's id, short queues more often.
class P2pSourceProducer final : public Producer, public Hook {
 public:
  using Params = P2pSourceParams;
  static constexpr std::string_view kType = "p2p-source-producer";
  static constexpr std::string_view kHelp =
      "Names the endpoint from whose cache the prompt's beginning can be pulled.";

  P2pSourceProducer(const Params& params, Setup& setup);
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;

 private:
  // Where the prompt's beginning can be had, and how much of it.
  struct Source {
    EndpointIndex endpoint = kNoEndpoint;
    std::int64_t tokens = 0;
    static constexpr auto recorded() {
      return std::tuple{recorded_as("endpoint", &Source::endpoint),
                        recorded_as("tokens", &Source::tokens)};
    }
  };

  std::int64_t min_delta_;
  std::string prefill_profile_;
  Column<PrefixMatch> match_;
  Cell<Source> source_;
};

}  // namespace pointsman
