#pragma once

#include <chrono>
#include <cstdint>

namespace pointsman {

// The monotonic clock of every duration, age and deadline: the processor's time-stamp counter
// where it is invariant (12 ns a read here, docs/adr/0004), the system's monotonic clock
// elsewhere. Its time_point is a type of its own so that the two are never mixed.
//
// Threading: any thread. The first call calibrates for about 10 ms; main() makes it.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;  // NOLINT(readability-identifier-naming): std's name

  static time_point now();

  // The wall-clock time of `at`, by today's distance between the two clocks.
  static std::chrono::system_clock::time_point wall(time_point at);
};

}  // namespace pointsman
