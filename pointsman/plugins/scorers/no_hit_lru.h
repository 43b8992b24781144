#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/plugins/producers/lru_table.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct NoHitLruParams {
  int lru_size = 1024;
  std::string producer;
  std::string plugin_type;
  std::string plugin_name;

  static constexpr auto fields() {
    using P = NoHitLruParams;
    return std::tuple{
        field("lruSize", &P::lru_size, "Endpoints to remember; below 1: 1024."),
        field("prefixMatchInfoProducerName", &P::producer,
              "Which producer's match is read; empty: approx-prefix-cache-producer."),
        field("prefixPluginType", &P::plugin_type, "Without effect; accepted for old documents."),
        field("prefixPluginName", &P::plugin_name, "Without effect; accepted for old documents."),
    };
  }
};

// Spreads prompts that nobody holds: of n endpoints the one whose last such prompt is longest ago
// scores 1, the most recent 0, those never used before all others (spec/01 section 3.2.15). Only
// the candidates are ranked. When somebody holds a part of the prompt, everybody scores 0.5.
class NoHitLruScorer final : public Scorer, public Producer, public Hook, public StateDumper {
 public:
  using Params = NoHitLruParams;
  static constexpr std::string_view kType = "no-hit-lru-scorer";
  static constexpr std::string_view kHelp =
      "Spreads prompts that no endpoint holds over the endpoints, least recently used first.";

  NoHitLruScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  // Reads the order of use.
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;
  // Those in the fleet, the one used longest ago first.
  Result<std::string> dump(const Fleet& fleet) const override;

 private:
  // An endpoint's place in the order of use; 0: never used.
  struct Use {
    std::uint64_t last = 0;
    static constexpr auto recorded() { return std::tuple{recorded_as("last", &Use::last)}; }
  };

  bool cold(const Context& context, std::span<const EndpointIndex> candidates) const;

  Column<PrefixMatch> match_;
  Column<Use> use_;
  mutable std::mutex mutex_;
  LruTable<std::uint64_t> uses_;  // by endpoint key
  std::uint64_t clock_ = 0;       // counts uses
};

}  // namespace pointsman
