#pragma once

#include <string>

namespace pointsman::testing {

// A key and a certificate signed with it, both PEM. The certificate vouches for itself: a client
// that takes it as its CA accepts a server that shows it under this DNS name, and no other server.
struct Certificate {
  std::string certificate;
  std::string key;
};

Certificate make_certificate(const std::string& dns_name);

}  // namespace pointsman::testing
