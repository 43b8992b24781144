#include "pointsman/base/clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace pointsman {
namespace {

std::int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

#if defined(__x86_64__)

__extension__ using Wide = unsigned __int128;

bool counter_is_invariant() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  // Leaf 0x80000007, EDX bit 8: the counter runs at one rate in every power state.
  return __get_cpuid(0x80000007U, &a, &b, &c, &d) != 0 && (d & (1U << 8U)) != 0;
}

// Nanoseconds = origin_ns + (counter - origin) * scale / 2^32.
struct Scale {
  bool usable = false;
  std::uint64_t origin = 0;
  std::int64_t origin_ns = 0;
  std::uint64_t scale = 0;
};

Scale calibrate() {
  if (!counter_is_invariant()) return {};
  constexpr std::int64_t kSpan = 10'000'000;  // 10 ms bounds the rate's error to a few ppm
  const std::int64_t begin_ns = monotonic_ns();
  const std::uint64_t begin = __rdtsc();
  std::int64_t end_ns = begin_ns;
  while (end_ns - begin_ns < kSpan) end_ns = monotonic_ns();
  const std::uint64_t end = __rdtsc();
  if (end <= begin) return {};
  const auto wide = static_cast<Wide>(end_ns - begin_ns) << 32U;
  return {true, begin, begin_ns, static_cast<std::uint64_t>(wide / (end - begin))};
}

const Scale& scale() {
  static const Scale kMeasured = calibrate();
  return kMeasured;
}

std::int64_t now_ns() {
  const Scale& s = scale();
  if (!s.usable) return monotonic_ns();
  const auto wide = static_cast<Wide>(__rdtsc() - s.origin) * s.scale;
  return s.origin_ns + static_cast<std::int64_t>(wide >> 32U);
}

#else

std::int64_t now_ns() {
  return monotonic_ns();
}

#endif

}  // namespace

Clock::time_point Clock::now() {
  return time_point(duration(now_ns()));
}

std::chrono::system_clock::time_point Clock::wall(time_point at) {
  const auto ago = now() - at;
  return std::chrono::system_clock::now() -
         std::chrono::duration_cast<std::chrono::system_clock::duration>(ago);
}

}  // namespace pointsman
