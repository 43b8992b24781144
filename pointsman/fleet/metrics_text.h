#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman {

// The metric names that somebody wants to read off a page, prepared for a quick look at each line.
//
// Threading: immutable.
class WantedMetrics {
 public:
  // Names given twice count once.
  explicit WantedMetrics(std::vector<std::string> names);

  const std::vector<std::string>& names() const { return names_; }
  // REQUIRES: `name` is one of them.
  std::size_t index(std::string_view name) const;

  // The index of the name that `line` begins with, followed by a brace, a blank or nothing.
  std::optional<std::size_t> match(std::string_view line) const;
  // Whether a longer line that begins like this could match.
  bool could_match(std::string_view beginning) const;

 private:
  std::vector<std::string> names_;
  std::string common_;     // what all names begin with
  std::bitset<256> next_;  // the bytes that may follow it
};

// The type that a `# TYPE` line gave a metric.
enum class MetricType : std::uint8_t { untyped, gauge, counter, histogram, summary, other };

struct MetricLabel {
  std::string_view name;
  std::string_view value;  // unescaped
};

// One line of a page.
struct MetricSample {
  std::size_t metric = 0;  // index into WantedMetrics::names()
  MetricType type = MetricType::untyped;
  std::span<const MetricLabel> labels;
  double value = 0;            // may be NaN or infinite
  std::int64_t timestamp = 0;  // milliseconds as the page gives them, 0 when it gives none

  // The label, or nullptr when it is absent.
  const MetricLabel* find(std::string_view name) const;
  // The label's value, empty when it is absent.
  std::string_view label(std::string_view name) const;
};

// Reads pages in the Prometheus text format 0.0.4, in pieces of any size. Only lines of wanted
// metrics are looked at; a malformed one is counted and lost, and nothing else with it. Of
// OpenMetrics it understands what can stand on such lines, and `# EOF`.
//
// A page is begin(), then for every piece feed() and next() until it gives nothing, then finish()
// and next() once more. Memory is kept from page to page.
class MetricsText {
 public:
  static constexpr std::size_t kMaxPage = std::size_t{16} << 20U;
  static constexpr std::size_t kMaxLine = std::size_t{1} << 20U;
  static constexpr std::size_t kMaxLines = std::size_t{1} << 18U;
  static constexpr std::size_t kMaxSamples = std::size_t{1} << 16U;  // of wanted metrics
  static constexpr std::size_t kMaxLabels = 64;

  // `wanted` outlives this.
  explicit MetricsText(const WantedMetrics& wanted);

  void begin();
  // `piece` stays valid until next() has given nothing.
  void feed(std::string_view piece);
  // There are no more pieces: a last line without its end counts too.
  void finish();
  // The next sample, valid until the next call, or nullptr when the piece is used up.
  const MetricSample* next();

  // The page has more bytes, lines or samples than allowed; nothing more will be read from it.
  bool over_limit() const { return over_limit_; }
  // Lines of wanted metrics that could not be read.
  std::size_t malformed() const { return malformed_; }
  bool malformed(std::size_t metric) const { return spoiled_[metric]; }

 private:
  std::optional<std::string_view> next_line();
  void keep(std::string_view part);
  void lose(std::string_view line);
  bool of_interest(std::string_view beginning) const;
  bool read(std::string_view line);
  bool read_sample(std::string_view rest);
  bool read_labels(std::string_view& rest);
  bool read_label(std::string_view& rest, MetricLabel& label);
  void read_comment(std::string_view rest);

  const WantedMetrics* wanted_;
  std::string_view piece_;     // what is left of it
  std::string carry_;          // the beginning of a line whose end has not come
  bool carried_line_ = false;  // carry_ is the line being read, to be forgotten next
  bool skipping_ = false;      // the unfinished line is of no interest
  bool ended_ = false;         // `# EOF` was read
  bool over_limit_ = false;
  std::size_t bytes_ = 0;
  std::size_t lines_ = 0;
  std::size_t samples_ = 0;
  std::size_t malformed_ = 0;
  std::vector<MetricType> types_;  // per wanted metric
  std::vector<bool> spoiled_;      // per wanted metric: a line of it was malformed
  std::array<MetricLabel, kMaxLabels> labels_;
  std::string unescaped_;
  MetricSample sample_;
};

}  // namespace pointsman
