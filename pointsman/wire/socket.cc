#include "pointsman/wire/socket.h"

#include <algorithm>

namespace pointsman {

Address to_address(const asio::ip::tcp::endpoint& endpoint) {
  Address out{.port = endpoint.port()};
  if (endpoint.address().is_v6()) {
    const auto v6 = endpoint.address().to_v6();
    // A dual-stack listener sees IPv4 clients under ::ffff:a.b.c.d; they are IPv4 to everyone else.
    if (v6.is_v4_mapped()) {
      std::ranges::copy_n(v6.to_bytes().begin() + 12, 4, out.ip.begin());
    } else {
      out.ip = v6.to_bytes();
      out.v6 = true;
    }
  } else {
    std::ranges::copy(endpoint.address().to_v4().to_bytes(), out.ip.begin());
  }
  return out;
}

asio::ip::tcp::endpoint to_endpoint(const Address& address) {
  if (address.v6) return {asio::ip::address_v6(address.ip), address.port};
  asio::ip::address_v4::bytes_type bytes{};
  std::ranges::copy_n(address.ip.begin(), 4, bytes.begin());
  return {asio::ip::address_v4(bytes), address.port};
}

}  // namespace pointsman
