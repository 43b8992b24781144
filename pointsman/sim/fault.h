#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

// What can be wrong with a simulated server. They add up; `clear` ends all of them.
enum class FaultKind : std::uint8_t {
  clear,
  dead,             // closes its connections and its port, loses its cache
  hang,             // answers nothing and computes nothing until cleared, then goes on
  slow,             // computes `factor` times as slowly
  cut_stream,       // breaks off each answer after `tokens` tokens
  cache_loss,       // forgets its prefix cache, once
  error,            // answers completions with `status`
  metrics_garbage,  // a metrics page that is none
  metrics_endless,  // a metrics page that never ends
  metrics_hang,     // a metrics page that never comes
};

// The body of POST /sim/faults: {"fault": "slow", "factor": 4, "seconds": 10, "server": 2}.
struct FaultOrder {
  FaultKind kind = FaultKind::clear;
  double factor = 10;                             // of slow
  std::uint32_t tokens = 3;                       // of cut_stream
  int status = 503;                               // of error
  std::optional<std::chrono::nanoseconds> lasts;  // then all faults of the server are cleared
  std::optional<std::size_t> server;  // number in this process; the one asked, if not given
};

// Names as in the body: kebab-case. Fails with bad_request and a text that says what is possible.
Result<FaultOrder> parse_fault(std::string_view body);
std::string_view fault_name(FaultKind kind);

// The faults of one server at a time.
struct ActiveFaults {
  bool dead = false;
  bool hang = false;
  double slow = 1;
  std::optional<std::uint32_t> cut_after;
  std::optional<int> error;
  FaultKind metrics = FaultKind::clear;  // one of the three of metrics, or clear

  void add(const FaultOrder& order);  // clear and cache_loss change nothing here
  std::string json() const;           // for people and tests
};

}  // namespace pointsman
