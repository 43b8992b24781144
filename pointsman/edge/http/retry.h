#pragma once

#include <algorithm>
#include <bitset>
#include <cstddef>

namespace pointsman {

// Which failures beyond the harmless ones may be tried again elsewhere.
struct RetryOptions {
  static constexpr std::size_t kMost = 8;

  std::size_t most = 2;       // tries after the first, at most kMost
  double share = 0.1;         // of all requests, in the long run
  std::bitset<600> statuses;  // answers of a model server that count as failures
  bool timeouts = false;      // no first byte in time
};

// Keeps the retries to a share of the requests, so that a failing fleet does not get several times
// its load. A quiet router may retry a few more.
class RetryBudget {
 public:
  explicit RetryBudget(double share) : share_(share) {}

  void request() { saved_ = std::min(saved_ + share_, kMost); }
  // Takes one retry, if there is one left.
  bool take() {
    if (saved_ < 1.0) return false;
    saved_ -= 1.0;
    return true;
  }

 private:
  static constexpr double kMost = 100.0;
  static constexpr double kFirst = 10.0;

  double share_;
  double saved_ = kFirst;
};

}  // namespace pointsman
