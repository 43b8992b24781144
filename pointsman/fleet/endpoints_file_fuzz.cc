// Fuzz target: any bytes as an endpoints file. Whatever is accepted can be used: ids are distinct,
// ports and hosts are valid.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/endpoints_file.h"
#include "pointsman/wire/address.h"

namespace pointsman {
namespace {

void check(std::string_view text, HostRule rule) {
  const auto file = EndpointsFile::parse(text, rule);
  if (!file) return;
  std::set<std::string> ids;
  for (const Endpoint& e : file->endpoints) {
    if (!ids.insert(e.id).second) bug("an id twice");
    if (e.port == 0 || e.name.empty()) bug("an endpoint without port or name");
    const bool ip = Address::parse(std::string_view(e.host), e.port).has_value();
    if (ip == e.address.empty()) bug("an address that is none");
    if (!ip && (rule == HostRule::ipv4 || !is_host_name(e.host))) bug("a host that is none");
  }
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pointsman;  // the entry point has to stand outside the namespace
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text, HostRule::ipv4);
  check(text, HostRule::any);
  return 0;
}
