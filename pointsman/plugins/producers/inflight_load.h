#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/plugins/producers/inflight_table.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct InflightLoadParams {
  bool add_output = false;
  double output_ratio = 1.5;
  std::optional<std::int64_t> max_output;
  std::string prefix_producer;
  bool sync_replicas = true;

  static constexpr auto fields() {
    using P = InflightLoadParams;
    return std::tuple{
        field("addEstimatedOutputTokens", &P::add_output,
              "Count the tokens that the answer is expected to have."),
        field("outputRatio", &P::output_ratio, "Expected output tokens per prompt token."),
        field("maxEstimatedOutputTokens", &P::max_output,
              "The most output tokens to expect; absent: no limit but the request's own."),
        field("prefixMatchInfoProducerName", &P::prefix_producer,
              "Which producer's match is taken off the prompt; empty: "
              "approx-prefix-cache-producer."),
        field("syncCrossReplicaState", &P::sync_replicas,
              "Share the counts with other replicas, where those are connected."),
    };
  }
  static Result<void> check(const InflightLoadParams& params);
};

// Counts what this router has sent to every endpoint and not seen the end of, in requests and in
// tokens to compute, and says what this request would add (spec/05 section 11). Tokens leave with
// the response's first bytes, as the prompt is computed then, unless output is counted too; at the
// prefill endpoint the request leaves with them.
class InflightLoadProducer final : public Producer, public Hook, public ResponseHook {
 public:
  using Params = InflightLoadParams;
  static constexpr std::string_view kType = "inflight-load-producer";
  static constexpr std::string_view kHelp =
      "Counts the requests and tokens that are under way at every endpoint.";

  InflightLoadProducer(const Params& params, Setup& setup);

  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;
  void first_bytes(const Context& context, const Decision& decision, const Answer& answer,
                   Effects& effects) override;
  void finished(const Context& context, const Decision& decision, const Answer& answer,
                Effects& effects) override;

  // The tokens that the answer to a prompt of `input` tokens is expected to have. Public for tests.
  std::int64_t expected_output(std::int64_t input,
                               const std::optional<std::int64_t>& client_limit) const;

 private:
  // What one request adds to one endpoint: remembered from dispatched() to finished().
  struct Share {
    EndpointIndex endpoint = 0;
    bool prefill = false;
    std::int64_t requests = 0;
    std::int64_t tokens = 0;
  };
  using Shares = std::span<Share>;

  std::int64_t uncached(std::int64_t input, const PrefixMatch* match) const;
  void release(const Context& context, Share& share, std::int64_t requests, std::int64_t tokens,
               Effects& effects);

  bool add_output_;
  double output_ratio_;
  std::optional<std::int64_t> max_output_;
  Cell<TokenizedPrompt> prompt_;
  Column<PrefixMatch> match_;
  Column<InFlightLoad> load_;
  Column<UncachedTokens> uncached_;
  Cell<Shares*> shares_;
  InflightTable table_;
};

}  // namespace pointsman
