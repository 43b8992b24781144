// Whatever a record file holds, reading ends, and what is read can be shown.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pointsman/record/decision_json.h"
#include "pointsman/record/record_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  const std::string bytes = record_head() + std::string(reinterpret_cast<const char*>(data), size);
  auto reader = RecordReader::open(bytes);
  if (!reader) return 0;
  RecordedDecision decision;
  Outcome outcome;
  while (true) {
    const auto found = reader->next(decision);
    if (found == RecordReader::Found::end) break;
    if (found == RecordReader::Found::outcome) {
      outcome = reader->outcome().second;
    } else {
      (void)decision_json(decision.decision, outcome);
    }
  }
  return 0;
}
