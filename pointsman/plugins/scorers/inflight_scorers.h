#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// The scorers that read what this router has under way. Nothing under way is an endpoint's best
// state; no score is given when nobody counts.

struct TokenLoadParams {
  std::int64_t threshold = 4'194'304;
  std::string producer;

  static constexpr auto fields() {
    using P = TokenLoadParams;
    return std::tuple{
        field("queueThresholdTokens", &P::threshold,
              "Tokens at which the score is 0; below 1: the default."),
        field("inFlightLoadProducerName", &P::producer,
              "Which producer's load is read; empty: inflight-load-producer."),
    };
  }
};

// Prefers endpoints with few tokens to compute: 1 - min(t, T) / T, where t is what is under way and
// what this request would add.
class TokenLoadScorer final : public Scorer {
 public:
  using Params = TokenLoadParams;
  static constexpr std::string_view kType = "token-load-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints with few tokens to compute, this request's included.";

  TokenLoadScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {.from = Reading::From::signal}; }
  std::string_view unit() const override { return "tokens in flight"; }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;

 private:
  std::int64_t tokens(const Context& context, EndpointIndex e) const;

  double threshold_;
  Column<InFlightLoad> load_;
  Column<UncachedTokens> uncached_;
};

struct ActiveRequestParams {
  int idle_threshold = 0;
  std::optional<double> max_busy_score;
  std::string request_timeout;
  std::string producer;

  static constexpr auto fields() {
    using P = ActiveRequestParams;
    return std::tuple{
        field("idleThreshold", &P::idle_threshold,
              "Up to so many requests under way an endpoint counts as idle; below 0: 0."),
        field("maxBusyScore", &P::max_busy_score,
              "The most a busy endpoint can score, 0 to 1; absent or outside: 1."),
        field("requestTimeout", &P::request_timeout, "Without effect; accepted for old documents."),
        field("inFlightLoadProducerName", &P::producer,
              "Which producer's load is read; empty: inflight-load-producer."),
    };
  }
};

// Prefers endpoints with few requests under way: 1 when idle, else (max - n) / max x maxBusyScore.
class ActiveRequestScorer final : public Scorer {
 public:
  using Params = ActiveRequestParams;
  static constexpr std::string_view kType = "active-request-scorer";
  static constexpr std::string_view kHelp = "Prefers endpoints with few requests under way.";

  ActiveRequestScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {.from = Reading::From::signal}; }
  std::string_view unit() const override { return "requests in flight"; }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;

 private:
  std::int64_t idle_threshold_;
  double max_busy_score_;
  Column<InFlightLoad> load_;
};

}  // namespace pointsman
