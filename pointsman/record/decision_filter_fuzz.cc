// Any text as a condition: it is refused in words, or it can be asked.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pointsman/record/decision_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  const auto filter =
      DecisionFilter::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  DecisionFacts facts;
  facts.numbers.fill(1.0);
  if (filter) (void)filter->matches(facts);
  return 0;
}
