// Fuzz target: any bytes as a ProcessingRequest. Every view that comes out lies within them.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "pointsman/base/bug.h"
#include "pointsman/edge/control_headers.h"
#include "pointsman/edge/ext_proc/processing_request.h"

namespace pointsman {
namespace {

void inside(std::string_view whole, std::string_view part) {
  if (part.empty()) return;
  const bool begins = part.data() >= whole.data();
  if (!begins || part.data() + part.size() > whole.data() + whole.size()) bug("a view outside");
}

void check(std::string_view bytes) {
  ProcessingRequest request;
  if (!decode(bytes, request)) return;
  if (request.headers.size() > kMaxHeaderLines) bug("too many header lines");
  inside(bytes, request.body);
  inside(bytes, request.metadata);
  for (const Header& header : request.headers) {
    inside(bytes, header.name);
    inside(bytes, header.value);
  }
  std::vector<std::string_view> names;
  if (metadata_list(request.metadata, kSubsetSpace, kSubsetKey, names)) {
    for (const std::string_view name : names) inside(bytes, name);
  }
  if (const auto served = metadata_string(request.metadata, kMetadataSpace, kServedKey)) {
    inside(bytes, *served);
  }
  client_control_headers(request.headers, names);
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pointsman::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
