#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pointsman {

// What came of one replayed request. Times are model seconds.
struct ReplayOutcome {
  std::string error;  // empty: a whole answer
  double ttft = 0;    // time to first token
  double tpot = 0;    // mean time per output token behind the first
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;
  std::uint32_t output_tokens = 0;
};

// The measured requests of one target, and their sums.
class ReplayTally {
 public:
  void add(const ReplayOutcome& outcome);

  std::size_t finished() const { return ttfts_.size() + failed_; }
  std::size_t failed() const { return failed_; }
  const std::map<std::string, std::size_t>& errors() const { return errors_; }
  double ttft(double quantile) const;  // nearest rank; 0 without answers
  double mean_ttft() const;
  double cached_share() const;  // of the prompt tokens of whole answers
  double goodput() const;  // share of all with TTFT <= 2 s and TPOT <= 50 ms (spec/11 section 1)

 private:
  std::vector<double> ttfts_;                  // of whole answers
  std::map<std::string, std::size_t> errors_;  // how often each text came
  std::size_t failed_ = 0;
  std::size_t good_ = 0;
  double prompt_tokens_ = 0;
  double cached_tokens_ = 0;
};

struct ReplayedTarget {
  std::string name;
  ReplayTally tally;
};

// `132/240 requests, 23.4 % cached, TTFT 0.69 s` for each target, in one line.
std::string progress_line(const std::vector<ReplayedTarget>& targets, std::size_t requests);

// The comparison, one column per target, in model seconds.
std::string report_table(const std::vector<ReplayedTarget>& targets);

// The same as a JSON object with a member per target.
std::string report_json(const std::vector<ReplayedTarget>& targets);

}  // namespace pointsman
