#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

// The keys that let a client in. Immutable.
class ApiKeys {
 public:
  static constexpr std::size_t kMostKeys = 10'000;

  // Reads one key a line; empty lines and those that begin with # do not count.
  // Errors: invalid_config: there is none, there are more than kMostKeys, or one has a blank or
  // another character that no header field may hold.
  static Result<ApiKeys> parse(std::string_view text);

  // Whether the value of an Authorization field is `Bearer` and one of the keys. Takes the same
  // time whichever key it is and however much of it is right.
  bool admits(std::string_view authorization) const;

  friend bool operator==(const ApiKeys&, const ApiKeys&) = default;

  std::size_t size() const { return keys_.size(); }
  const std::string& first() const { return keys_.front(); }

 private:
  std::vector<std::string> keys_;
};

}  // namespace pointsman
