#include "pointsman/engine/keep_rules.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>

namespace pointsman {
namespace {

constexpr double kCloseShare = 0.02;
constexpr std::int64_t kMissedTokens = 512;

bool is_slow(const Outcome& outcome, std::chrono::nanoseconds limit) {
  const std::int64_t waited = outcome.ttft_ns >= 0 ? outcome.ttft_ns : outcome.duration_ns;
  return waited > limit.count();
}

bool is_failed(const Outcome& outcome) {
  return outcome.status >= 500 || outcome.end == Outcome::End::upstream_failed ||
         outcome.end == Outcome::End::rejected;
}

bool is_close(const Decision& d) {
  const auto targets = d.targets();
  if (targets.empty()) return false;
  const ProfileRun& run = d.runs[static_cast<std::size_t>(d.primary)];
  const auto totals = d.totals_of(run);
  const auto candidates = d.candidates_of(run);
  double picked = 0.0;
  double other = -1.0;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (candidates[i] == targets[0]) {
      picked = totals[i];
    } else {
      other = std::max(other, totals[i]);
    }
  }
  return other >= 0.0 && picked > other && picked - other < kCloseShare * picked;
}

bool is_mispredicted(const Decision& d, const Outcome& outcome) {
  if (d.predicted_cached_tokens < 0 || outcome.cached_tokens < 0) return false;
  const std::int64_t off = std::abs(d.predicted_cached_tokens - outcome.cached_tokens);
  return off > kMissedTokens && off > outcome.prompt_tokens / 4;
}

}  // namespace

Result<KeepRules> KeepRules::parse(std::string_view text, std::chrono::nanoseconds slow) {
  KeepRules rules;
  rules.slow_after_ = slow;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (auto added = rules.add(text.substr(0, comma)); !added) {
      return std::unexpected(added.error());
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return rules;
}

Result<void> KeepRules::add(std::string_view rule) {
  if (rule == "slow") {
    slow_ = true;
  } else if (rule == "failed") {
    failed_ = true;
  } else if (rule == "close-call") {
    close_call_ = true;
  } else if (rule == "mispredicted") {
    mispredicted_ = true;
  } else {
    const std::string_view number = rule.starts_with("1/") ? rule.substr(2) : std::string_view();
    const char* const end = number.data() + number.size();
    const auto [at, error] = std::from_chars(number.data(), end, one_in_);
    if (number.empty() || error != std::errc() || at != end || one_in_ == 0) {
      return fail(Code::invalid_config,
                  "--keep: `" + std::string(rule) +
                      "` is none of slow, failed, close-call, mispredicted and 1/N");
    }
  }
  return {};
}

std::string_view KeepRules::why(const Decision* decision, std::string_view error_code,
                                Random& random) const {
  if (!any()) return {};
  if (failed_ && !error_code.empty()) return "failed";
  if (decision != nullptr) {
    // By now only the request's own thread changes it.
    const Outcome& outcome = decision->outcome;
    if (failed_ && is_failed(outcome)) return "failed";
    if (slow_ && is_slow(outcome, slow_after_)) return "slow";
    if (mispredicted_ && is_mispredicted(*decision, outcome)) return "mispredicted";
    if (close_call_ && is_close(*decision)) return "close-call";
  }
  if (one_in_ > 0 && random.below(one_in_) == 0) return "1/N";
  return {};
}

}  // namespace pointsman
