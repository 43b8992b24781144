#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// An IP address and a TCP port: where a socket can connect or listen.
struct Address {
  std::array<std::uint8_t, 16> ip{};  // IPv4 in the first four bytes
  bool v6 = false;
  std::uint16_t port = 0;

  // Reads `192.0.2.1:80` or `[2001:db8::1]:80`.
  static Result<Address> parse(std::string_view text);

  // Reads the host alone: `192.0.2.1`, `::1` or `[::1]`.
  static Result<Address> parse(std::string_view host, std::uint16_t port);

  // All interfaces of this machine: [::], which takes IPv4 connections too, or 0.0.0.0 where the
  // kernel has no IPv6.
  static Address everywhere(std::uint16_t port);

  // Whether a socket can be bound to this IP address, at some port.
  bool is_here() const;

  std::string host() const;  // without brackets
  std::string text() const;  // as parse() reads it

  friend bool operator==(const Address&, const Address&) = default;
};

// A host, which may be a name, and a port, as in a flag or a Host header.
struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  // Reads `host:port`, `[v6]:port`; with `default_port` also a lone `host`.
  static Result<HostPort> parse(std::string_view text, std::uint16_t default_port = 0);

  std::string text() const;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

// `http://host:port/base`, as far as a router needs one: no user, no fragment.
struct Url {
  bool tls = false;  // https
  HostPort host;     // port 80 or 443 if the text has none
  std::string path;  // "" or "/...", with the query if there is one; no trailing slash

  // Reads a URL with the scheme http or https; a text without `://` counts as http.
  static Result<Url> parse(std::string_view text);

  std::string text() const;

  friend bool operator==(const Url&, const Url&) = default;
};

// `host[:port]` if `text` is a URL with a host, else `text` unchanged (spec/03 2.5).
std::string strip_scheme(std::string_view text);

// Asks the system's resolver for the addresses of a host name (or reads the IP address that it
// is), on a thread of the loop's resolver, and calls `done` on the loop: at least one address, or
// the reason.
void resolve(Loop& loop, const HostPort& host,
             std::move_only_function<void(Result<std::vector<Address>>)> done);

}  // namespace pointsman
