#pragma once

// Internal to wire/*.cc: it names Boost.Asio.

#include <boost/asio/ip/tcp.hpp>

#include "pointsman/wire/address.h"

namespace pointsman {

namespace asio = boost::asio;

Address to_address(const asio::ip::tcp::endpoint& endpoint);
asio::ip::tcp::endpoint to_endpoint(const Address& address);

}  // namespace pointsman
