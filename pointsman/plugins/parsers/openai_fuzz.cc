// Fuzz target: any bytes as a request body for the openai parser.
#include <cstddef>
#include <cstdint>

#include "pointsman/plugins/parsers/openai.h"
#include "pointsman/plugins/testing/parser_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  static const auto kParser = testing::made<OpenAiParser>();
  testing::fuzz_parser(kParser, kParser.paths(), {reinterpret_cast<const char*>(data), size});
  return 0;
}
