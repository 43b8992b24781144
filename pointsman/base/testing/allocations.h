#pragma once

#include <cstdint>

namespace pointsman::testing {

// How often the calling thread has taken heap memory so far. Linking allocations_test.cc counts
// every operator new of the program.
std::uint64_t allocations();

}  // namespace pointsman::testing
