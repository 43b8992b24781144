#include "pointsman/wire/address.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "pointsman/wire/socket.h"

namespace pointsman {
namespace {

constexpr std::size_t kLongestHost = 253;  // RFC 1035 2.3.4, as text

std::string quoted(std::string_view text) {
  // What an operator typed is repeated to them, but never a page of it.
  return '"' + std::string(text.substr(0, 300)) + '"';
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

Result<void> check_host(std::string_view host, bool bracketed) {
  if (host.empty()) return fail(Code::invalid_config, "the host is missing");
  if (bracketed || host.contains(':')) {
    const auto address = Address::parse(host, 0);
    if (!address || !address->v6) {
      return fail(Code::invalid_config, quoted(host) + " is not an IPv6 address");
    }
    return {};
  }
  if (host.size() > kLongestHost) return fail(Code::invalid_config, "the host name is too long");
  for (const char c : host) {
    if (!is_host_character(c)) {
      return fail(Code::invalid_config, quoted(host) + " is not a host name");
    }
  }
  return {};
}

// Takes `host:port` apart; the port is empty if there is none.
struct Parts {
  std::string_view host;
  std::string_view port;
  bool bracketed = false;
  bool colon = false;
};

std::optional<Parts> split(std::string_view text) {
  Parts parts;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    parts.host = text.substr(1, close - 1);
    parts.bracketed = true;
    rest = text.substr(close + 1);
  } else {
    const auto colon = text.rfind(':');
    // A lone IPv6 address without brackets has several colons, and no port.
    if (colon == std::string_view::npos || text.find(':') != colon) {
      parts.host = text;
    } else {
      parts.host = text.substr(0, colon);
      rest = text.substr(colon);
    }
  }
  if (rest.empty()) return parts;
  if (rest[0] != ':') return std::nullopt;
  parts.colon = true;
  parts.port = rest.substr(1);
  return parts;
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  const auto parts = split(text);
  if (!parts || !parts->colon) {
    return fail(Code::invalid_config, quoted(text) + " is not an address of the form ip:port");
  }
  const auto port = port_of(parts->port);
  if (!port) return fail(Code::invalid_config, quoted(text) + " has no valid port");
  return parse(parts->host, *port);
}

Result<Address> Address::parse(std::string_view host, std::uint16_t port) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  Address address{.port = port};
  const std::string text(host.substr(0, kLongestHost));
  if (::inet_pton(AF_INET, text.c_str(), address.ip.data()) == 1) return address;
  if (::inet_pton(AF_INET6, text.c_str(), address.ip.data()) == 1) {
    address.v6 = true;
    return address;
  }
  return fail(Code::invalid_config, quoted(host) + " is not an IP address");
}

Address Address::everywhere(std::uint16_t port) {
  const Address all{.v6 = true, .port = port};
  return all.is_here() ? all : Address{.port = port};
}

bool Address::is_here() const {
  Address somewhere = *this;
  somewhere.port = 0;
  const auto fd = tcp_socket(somewhere);
  return fd && bind_socket(*fd, somewhere);
}

std::string Address::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, ip.data(), text.data(), text.size());
  return text.data();
}

std::string Address::text() const {
  return HostPort{host(), port}.text();
}

Result<HostPort> HostPort::parse(std::string_view text, std::uint16_t default_port) {
  const auto parts = split(text);
  if (!parts) return fail(Code::invalid_config, quoted(text) + " is not of the form host:port");
  HostPort out{std::string(parts->host), default_port};
  if (parts->colon) {
    const auto port = port_of(parts->port);
    if (!port) return fail(Code::invalid_config, quoted(text) + " has no valid port");
    out.port = *port;
  } else if (default_port == 0) {
    return fail(Code::invalid_config, quoted(text) + " has no port");
  }
  if (auto good = check_host(parts->host, parts->bracketed); !good) {
    return fail(Code::invalid_config, quoted(text) + ": " + good.error().message);
  }
  return out;
}

std::string HostPort::text() const {
  const std::string number = std::to_string(port);
  return host.contains(':') ? '[' + host + "]:" + number : host + ':' + number;
}

Result<Url> Url::parse(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (const auto at = text.find("://"); at != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, at);
    if (scheme != "http" && scheme != "https") {
      return fail(Code::invalid_config, "unsupported scheme: " + std::string(scheme.substr(0, 64)));
    }
    url.tls = scheme == "https";
    rest = text.substr(at + 3);
  }
  const auto path = rest.find_first_of("/?#");
  if (path != std::string_view::npos) {
    url.path = rest.substr(path);
    rest = rest.substr(0, path);
  }
  for (const char c : url.path) {
    if (c <= ' ' || c == 0x7F || c == '#') {
      return fail(Code::invalid_config, quoted(text) + " has a character that no path may have");
    }
  }
  if (url.path.starts_with('?')) url.path.insert(0, "/");
  while (url.path.ends_with('/')) url.path.pop_back();
  POINTSMAN_TRY(host, HostPort::parse(rest, url.tls ? 443 : 80));
  url.host = std::move(host);
  return url;
}

std::string Url::text() const {
  return (tls ? "https://" : "http://") + host.text() + path;
}

std::string strip_scheme(std::string_view text) {
  const auto at = text.find("://");
  if (at == std::string_view::npos || at == 0) return std::string(text);
  std::string_view host = text.substr(at + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  host = host.substr(host.rfind('@') + 1);  // npos + 1 is 0: no user name
  return host.empty() ? std::string(text) : std::string(host);
}

}  // namespace pointsman
