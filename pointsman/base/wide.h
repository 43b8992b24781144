#pragma once

namespace pointsman {

// Whether the processor has vectors of 32 bytes (AVX2). Fused multiply-add stays unused, so that a
// loop gives the same bits on every processor.
inline bool has_wide_vectors() {
#if defined(__x86_64__)
  static const bool kHas = __builtin_cpu_supports("avx2") != 0;
  return kHas;
#else
  return false;
#endif
}

#if defined(__x86_64__)
template <typename Loop>
[[gnu::target("avx2"), gnu::noinline]] void run_wide(const Loop& loop) {
  loop();
}
#endif

// Runs a loop over columns of numbers, compiled twice: for every processor, and for one with wide
// vectors. REQUIRES: `loop` is a lambda marked __attribute__((always_inline)), with what it touches
// in its captures.
template <typename Loop>
void wide(const Loop& loop) {
#if defined(__x86_64__)
  if (has_wide_vectors()) return run_wide(loop);
#endif
  loop();
}

}  // namespace pointsman
