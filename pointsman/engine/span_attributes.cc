#include "pointsman/engine/span_attributes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>

namespace pointsman {

void set_request(Trace::Scope& scope, const Request& request) {
  if (!scope.recording()) return;
  if (!request.target_model.empty()) scope.set("gen_ai.request.model", request.target_model);
  if (!request.id.empty()) scope.set("gen_ai.request.id", request.id);
}

void set_scores(Trace::Scope& scope, std::span<const double> raw) {
  if (!scope.recording()) return;
  double most = -std::numeric_limits<double>::infinity();
  double sum = 0.0;
  std::size_t scored = 0;
  for (const double score : raw) {
    if (std::isnan(score)) continue;
    most = std::max(most, score);
    sum += score;
    ++scored;
  }
  if (scored == 0) return;
  scope.set("llm_d.epp.scorer.score.max", most);
  scope.set("llm_d.epp.scorer.score.avg", sum / static_cast<double>(scored));
  scope.set("llm_d.epp.scorer.endpoints_scored", scored);
}

void set_top(Trace::Scope& scope, const Fleet& fleet, std::span<const EndpointIndex> candidates,
             std::span<const double> totals) {
  if (!scope.recording() || candidates.empty()) return;
  constexpr std::size_t kTop = 5;
  std::array<std::size_t, kTop> best{};  // positions, best first
  std::size_t used = 0;
  const auto before = [&](std::size_t a, std::size_t b) {
    if (totals[a] != totals[b]) return totals[a] > totals[b];
    return fleet[candidates[a]].id < fleet[candidates[b]].id;
  };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (used == kTop && !before(i, best[kTop - 1])) continue;
    std::size_t at = used < kTop ? used++ : kTop - 1;
    for (; at > 0 && before(i, best[at - 1]); --at) best[at] = best[at - 1];
    best[at] = i;
  }
  std::array<std::string_view, kTop> names;
  std::array<double, kTop> scores{};
  for (std::size_t i = 0; i < used; ++i) {
    names[i] = fleet[candidates[best[i]]].id;
    scores[i] = totals[best[i]];
  }
  scope.set("llm_d.epp.picker.top_endpoints", std::span(names).first(used));
  scope.set("llm_d.epp.picker.top_scores", std::span(scores).first(used));
}

namespace {

// Text of a bounded length; what does not fit makes it full and is left out.
class Cramped {
 public:
  static constexpr std::size_t kRoom = 1500;

  bool add(std::string_view text) {
    if (text.size() > room_.size() - used_) return false;
    std::ranges::copy(text, room_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += text.size();
    return true;
  }
  // Names of plugins and endpoints hold nothing that JSON would escape, or they are left out.
  bool quoted(std::string_view text) {
    const bool plain = std::ranges::all_of(
        text, [](char c) { return c >= ' ' && c != '"' && c != '\\' && c != 0x7F; });
    return add("\"") && (!plain || add(text)) && add("\"");
  }
  bool number(double value) {
    if (std::isnan(value)) return add("null");
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::general, 4)
                         .ptr;
    return add({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  std::size_t used() const { return used_; }
  void cut(std::size_t to) { used_ = to; }
  std::string_view text() const { return {room_.data(), used_}; }

 private:
  std::array<char, kRoom> room_{};
  std::size_t used_ = 0;
};

}  // namespace

void set_matrix(Trace::Scope& scope, const Fleet& fleet, const Decision& decision,
                const ProfileRun& run) {
  if (!scope.recording()) return;
  constexpr std::size_t kMost = 32;
  constexpr std::string_view kEnd = "]}";
  const auto& scorers = decision.plan->profiles[run.profile].scorers;
  const auto candidates = decision.candidates_of(run);
  const auto totals = decision.totals_of(run);
  Cramped out;
  bool fits = out.add("{\"scorers\":[");
  for (std::size_t s = 0; s < scorers.size() && fits; ++s) {
    fits = out.add(s == 0 ? "[" : ",[") && out.quoted(scorers[s].name.name) && out.add(",") &&
           out.number(scorers[s].weight) && out.add("]");
  }
  if (!fits || !out.add("],\"endpoints\":[")) return;
  // One row after the other, the best first; each look for the next best is a pass of its own.
  double above = std::numeric_limits<double>::infinity();
  std::size_t last = candidates.size();
  for (std::size_t row = 0; row < std::min(kMost, candidates.size()); ++row) {
    std::size_t next = candidates.size();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const bool later = totals[i] < above || (totals[i] == above && i > last);
      if (later && (next == candidates.size() || totals[i] > totals[next])) next = i;
    }
    if (next == candidates.size()) break;
    above = totals[next];
    last = next;
    const std::size_t before = out.used();
    fits = out.add(row == 0 ? "[" : ",[") && out.quoted(fleet[candidates[next]].id) &&
           out.add(",") && out.number(totals[next]);
    for (std::size_t s = 0; s < scorers.size() && fits; ++s) {
      fits = out.add(",") && out.number(decision.scores_of(run, s)[next]);
    }
    // The end of the text needs room, too.
    if (fits && out.add("]") && out.used() + kEnd.size() <= Cramped::kRoom) continue;
    out.cut(before);
    break;
  }
  out.add(kEnd);
  scope.event("pointsman.decision", "pointsman.decision.matrix", out.text());
}

}  // namespace pointsman
