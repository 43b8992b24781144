#include "pointsman/sim/replay_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>
#include <utility>

namespace pointsman {
namespace {

constexpr double kGoodTtft = 2;
constexpr double kGoodTpot = 0.05;
constexpr std::size_t kFirstColumn = 28;
constexpr std::size_t kColumn = 18;

std::string decimal(double value, int digits, const char* unit) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f %s", digits, value, unit);
  return {text.data(), static_cast<std::size_t>(std::max(length, 0))};
}

std::string left(std::string_view text, std::size_t width) {
  std::string out(std::max(width, text.size()), ' ');
  text.copy(out.data(), text.size());
  return out;
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

}  // namespace

void ReplayTally::add(const ReplayOutcome& outcome) {
  if (!outcome.error.empty()) {
    ++failed_;
    ++errors_[outcome.error];
    return;
  }
  ttfts_.push_back(outcome.ttft);
  if (outcome.ttft <= kGoodTtft && outcome.tpot <= kGoodTpot) ++good_;
  prompt_tokens_ += outcome.prompt_tokens;
  cached_tokens_ += outcome.cached_tokens;
}

double ReplayTally::ttft(double quantile) const {
  if (ttfts_.empty()) return 0;
  std::vector<double> sorted = ttfts_;
  const double rank = std::ceil(quantile * static_cast<double>(sorted.size()));
  const auto nth =
      sorted.begin() + std::max(static_cast<std::ptrdiff_t>(rank) - 1, std::ptrdiff_t{0});
  std::ranges::nth_element(sorted, nth);
  return *nth;
}

double ReplayTally::mean_ttft() const {
  if (ttfts_.empty()) return 0;
  return std::accumulate(ttfts_.begin(), ttfts_.end(), 0.0) / static_cast<double>(ttfts_.size());
}

double ReplayTally::cached_share() const {
  return prompt_tokens_ > 0 ? cached_tokens_ / prompt_tokens_ : 0;
}

double ReplayTally::goodput() const {
  return finished() > 0 ? static_cast<double>(good_) / static_cast<double>(finished()) : 0;
}

std::string progress_line(const std::vector<ReplayedTarget>& targets, std::size_t requests) {
  std::string line;
  for (const auto& [name, tally] : targets) {
    line.append(line.empty() ? "" : "  |  ")
        .append(name)
        .append(" ")
        .append(std::to_string(tally.finished()))
        .append("/")
        .append(std::to_string(requests))
        .append(", cached ")
        .append(decimal(100 * tally.cached_share(), 1, "%"))
        .append(", TTFT ")
        .append(decimal(tally.ttft(0.5), 2, "s"));
    if (tally.failed() > 0) line.append(", errors ").append(std::to_string(tally.failed()));
  }
  return line;
}

std::string report_table(const std::vector<ReplayedTarget>& targets) {
  std::string table;
  const auto row = [&](const char* title,
                       const std::function<std::string(const ReplayedTarget&)>& cell) {
    table += left(title, kFirstColumn);
    for (const ReplayedTarget& target : targets) table += right(cell(target), kColumn);
    table += '\n';
  };
  const auto seconds = [](double value) { return decimal(value, 2, "s"); };
  const auto percent = [](double share) { return decimal(100 * share, 1, "%"); };
  row("", [](const ReplayedTarget& target) { return target.name; });
  row("TTFT p50", [&](const ReplayedTarget& target) { return seconds(target.tally.ttft(0.5)); });
  row("TTFT p90", [&](const ReplayedTarget& target) { return seconds(target.tally.ttft(0.9)); });
  row("TTFT mean", [&](const ReplayedTarget& target) { return seconds(target.tally.mean_ttft()); });
  row("prompt tokens from cache",
      [&](const ReplayedTarget& target) { return percent(target.tally.cached_share()); });
  row("TTFT <= 2 s, TPOT <= 50 ms",
      [&](const ReplayedTarget& target) { return percent(target.tally.goodput()); });
  row("requests",
      [](const ReplayedTarget& target) { return std::to_string(target.tally.finished()); });
  row("errors", [](const ReplayedTarget& target) { return std::to_string(target.tally.failed()); });
  for (const auto& [name, tally] : targets) {
    for (const auto& [error, times] : tally.errors()) {
      table.append(name).append(": ").append(std::to_string(times)).append(" x ").append(error);
      table += '\n';
    }
  }
  return table;
}

std::string report_json(const std::vector<ReplayedTarget>& targets) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, tally] : targets) {
    out[name] = {{"requests", tally.finished()},   {"errors", tally.failed()},
                 {"ttft_p50", tally.ttft(0.5)},    {"ttft_p90", tally.ttft(0.9)},
                 {"ttft_mean", tally.mean_ttft()}, {"cached_share", tally.cached_share()},
                 {"goodput", tally.goodput()}};
  }
  return out.dump(2);
}

}  // namespace pointsman
