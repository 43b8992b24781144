// Fuzz target: any bytes as a request and as a response of SGLang's generate API.
#include <cstddef>
#include <cstdint>

#include "pointsman/plugins/parsers/sglang_http.h"
#include "pointsman/plugins/testing/parser_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  static const auto kParser = testing::made<SglangHttpParser>();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  testing::fuzz_parser(kParser, kParser.paths(), input);
  testing::fuzz_response(kParser, /*modes=*/1, input);
  return 0;
}
