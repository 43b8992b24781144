#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "pointsman/stage/parser.h"

namespace pointsman {

// What is known by now of a model server's answer to a request.
struct Answer {
  int status = 0;      // HTTP; 0: there is none yet
  Usage usage;         // complete with the end of the body
  bool whole = false;  // the end of the body was seen
  // Whom the proxy says it has reached in the end, as host:port; absent: it does not say.
  std::optional<std::string_view> served;
  bool proxy_tells = false;  // the proxy sent along what its load balancer knows
};

// Numbers that go to the proxy as dynamic metadata with the end of an answer. What is too many is
// dropped, and where there is no such proxy all are.
class ProxyMetadata {
 public:
  struct Entry {
    std::string_view space;  // of the filter metadata, such as envoy.lb
    std::string_view key;
    double value = 0.0;
  };

  // The later of two values counts. REQUIRES: the names outlive the request.
  void set(std::string_view space, std::string_view key, double value) {
    for (Entry& entry : std::span(entries_).first(used_)) {
      if (entry.space != space || entry.key != key) continue;
      entry.value = value;
      return;
    }
    if (used_ < entries_.size()) entries_[used_++] = {space, key, value};
  }
  std::span<const Entry> all() const { return std::span(entries_).first(used_); }

 private:
  std::array<Entry, 8> entries_;
  std::size_t used_ = 0;
};

}  // namespace pointsman
