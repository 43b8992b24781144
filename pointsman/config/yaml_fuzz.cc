// Fuzz target: any bytes as a configuration document and as resources. Whatever YAML is accepted is
// written and read back to the same, and never exceeds the limits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pointsman/base/bug.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/config/config_text.h"
#include "pointsman/config/resources.h"
#include "pointsman/config/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = read_yaml(text, {.bytes = 1U << 16U, .nodes = 10'000});
  if (!document) return 0;
  const std::string written = to_yaml(document->root);
  const auto again = read_yaml(written, {.bytes = written.size(), .depth = 200, .nodes = 20'000});
  if (!again || to_json(again->root) != to_json(document->root)) bug("YAML does not round-trip");
  LoadOptions options;
  options.missing_gates.clear();
  (void)load_config(text, options);
  (void)read_resources(text);
  return 0;
}
