#pragma once

// Internal to wire/: what stands behind an HttpExchange.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/wire/http1.h"
#include "pointsman/wire/http_server.h"

namespace pointsman {

// One request's side of a connection, whatever version of HTTP that speaks. What the functions do
// is said at those of HttpExchange that call them.
class HttpResponder {
 public:
  virtual void gather() = 0;  // what the exchange holds says how
  virtual void start(const ResponseHead& head) = 0;
  virtual bool write(std::span<const std::string_view> parts) = 0;
  virtual void finish(const HttpFields& trailers) = 0;
  virtual void abandon() = 0;  // the exchange ends before its response is complete
  virtual std::size_t unsent() const = 0;
  virtual void flush_soon() = 0;
  virtual std::optional<HttpExchange::Released> release(const ResponseHead& head) = 0;

 protected:
  ~HttpResponder() = default;
};

// Why a request is refused that could be read.
inline constexpr HttpRefusal kBodyTooLarge{413, "the body is too large"};
inline constexpr HttpRefusal kBodyTooSlow{408, "the body took too long"};
inline constexpr HttpRefusal kNoMemory{503, "too many request bodies in memory at once"};
inline constexpr HttpRefusal kNoMemoryForHeads{503, "too many header fields in memory at once"};
inline constexpr HttpRefusal kRequestDropped{500, "the request was dropped"};

// What a refusal with this status counts as, of a request in HTTP/1 or in HTTP/2.
Refusal refusal_of(int status);
Refusal http2_refusal_of(int status);
// Makes the answer that says it: the head in `out`, the body as what is returned.
std::string make_refusal(const HttpServerOptions& options, const HttpRefusal& why,
                         ResponseHead& out);

// After the last response, a peer that still sends gets this long to see it.
inline constexpr auto kHttpLinger = std::chrono::seconds(2);

// Whether a field of a response is the connection's own affair.
bool is_connections_own(std::string_view name);
// Whether a response of this status never has a body.
bool has_no_body(int status);

}  // namespace pointsman
