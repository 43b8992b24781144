#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace pointsman {

// Bounds how many values of a client-chosen label become series (spec/07 section 6): the first
// `max` distinct values stand for themselves, later ones become "other", and so does every value
// that is longer than kMaxClientText. An admitted value stays admitted, so that a gauge's ups and
// downs meet the same series.
//
// Threading: any thread. A known value, and any value once the limit is reached, costs a lock-free
// look-up; only an admission locks, `max` times in the life of the process.
class LabelLimit {
 public:
  static constexpr std::string_view kOther = "other";

  explicit LabelLimit(std::size_t max);

  // `value` itself, or kOther. An empty value stays empty.
  std::string_view bound(std::string_view value);

  // Lets `value` stand for itself without using up the limit: names from the configuration.
  // At most `max` values can be pinned; returns false for one too many, or too long.
  bool pin(std::string_view value);

 private:
  const std::string* find(std::string_view value) const;
  void insert(std::string_view value, std::size_t& count);

  const std::size_t max_;
  const std::size_t mask_;
  const std::uint64_t seed_;
  const std::unique_ptr<std::atomic<const std::string*>[]> slots_;  // open addressing, half empty
  std::atomic<bool> full_;

  std::mutex mutex_;
  std::deque<std::string> values_;  // what the slots point to
  std::size_t admitted_ = 0;
  std::size_t pinned_ = 0;
};

}  // namespace pointsman
