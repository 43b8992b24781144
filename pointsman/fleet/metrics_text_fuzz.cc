// Fuzz target: any bytes as a metrics page. What is read must not depend on where the bytes were
// cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/metrics_text.h"

namespace pointsman {
namespace {

// Everything that was read, as one text.
std::string read(std::string_view page, std::size_t piece) {
  static const WantedMetrics kWanted({"a", "ab", "vllm:num_requests_waiting"});
  MetricsText reader(kWanted);
  std::string out;
  const auto drain = [&] {
    while (const MetricSample* const sample = reader.next()) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &sample->value, sizeof bits);
      out += std::to_string(sample->metric) + " " + std::to_string(bits) + " " +
             std::to_string(sample->timestamp) + " " +
             std::to_string(static_cast<int>(sample->type));
      for (const auto& [name, value] : sample->labels) {
        out.append(" ").append(name).append("=").append(value);
      }
      out += '\n';
    }
  };
  reader.begin();
  for (; !page.empty(); page.remove_prefix(std::min(piece, page.size()))) {
    const std::string part(page.substr(0, piece));
    reader.feed(part);
    drain();
  }
  reader.finish();
  drain();
  return out + std::to_string(reader.malformed());
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  if (size == 0) return 0;
  const std::string_view page(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read(page, page.size() + 1);
  if (read(page, 1) != whole || read(page, data[0] + std::size_t{1}) != whole) {
    bug("what was read depends on the pieces");
  }
  return 0;
}
