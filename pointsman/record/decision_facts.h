#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/model/decision.h"

namespace pointsman {

// What there is to say about one decision in single values: the fields of `pointsman tap`.
enum class Fact : std::uint8_t {
  // texts
  endpoint,
  model,
  target_model,
  request_id,
  end,
  error,
  decider,
  served_by,
  // numbers
  status,
  margin,
  ties,
  candidates,
  dropped,
  priority,
  attempts,
  body_bytes,
  ttft_ms,
  duration_ms,
  prompt_tokens,
  output_tokens,
  cached_tokens,
  predicted_cached_tokens,
  schedule_us,
};
inline constexpr std::size_t kTextFacts = 8;
inline constexpr std::size_t kFacts = 23;

inline bool is_text(Fact fact) {
  return static_cast<std::size_t>(fact) < kTextFacts;
}
std::string_view name(Fact fact);
std::optional<Fact> fact_named(std::string_view name);
// All names, in the order of Fact.
std::span<const std::string_view> fact_names();

struct DecisionFacts {
  std::array<std::string, kTextFacts> texts;
  std::array<double, kFacts> numbers{};  // by Fact; NaN: not known
  std::string sentence;                  // the explanation
  std::string id;

  const std::string& text(Fact fact) const { return texts[static_cast<std::size_t>(fact)]; }
  double number(Fact fact) const { return numbers[static_cast<std::size_t>(fact)]; }
};

DecisionFacts facts_of(const Decision& decision, const Outcome& outcome);

// "finished", "client_aborted" ...
std::string_view text(Outcome::End end);

// One JSON object without line feeds, every known fact in it.
std::string to_json(const DecisionFacts& facts);

}  // namespace pointsman
