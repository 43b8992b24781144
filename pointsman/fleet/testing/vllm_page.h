#pragma once

#include <string>

namespace pointsman::testing {

// A metrics page of the size and shape that a vLLM server with some traffic shows: about 55 kB,
// mostly histogram buckets. Its waiting, running and KV cache use are 7, 3 and 0.55.
std::string vllm_page();

}  // namespace pointsman::testing
