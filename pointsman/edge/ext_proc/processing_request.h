#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/model/request.h"

namespace pointsman {

// envoy.service.ext_proc.v3.ProcessingRequest, as views into its bytes. Read by hand: a streamed
// answer is thousands of these, each with one field of interest.
struct ProcessingRequest {
  enum class Kind : std::uint8_t {
    none,  // nothing, or something newer than this code
    request_headers,
    response_headers,
    request_body,
    response_body,
    request_trailers,
    response_trailers,
  };
  // ProcessingMode.BodySendMode
  enum class BodyMode : std::uint8_t {
    none = 0,
    streamed = 1,
    buffered = 2,
    buffered_partial = 3,
    full_duplex_streamed = 4,
    grpc = 5,
  };
  struct Protocol {
    BodyMode request_body = BodyMode::none;
    BodyMode response_body = BodyMode::none;
  };

  Kind kind = Kind::none;
  bool end_of_stream = false;        // of headers and bodies
  std::vector<Header> headers;       // of headers; names as received, raw_value preferred
  std::string_view body;             // of bodies
  std::string_view metadata;         // envoy.config.core.v3.Metadata, encoded; may be empty
  std::optional<Protocol> protocol;  // what the proxy is configured for, if it says so
};

// Header lines of one message beyond which it is refused.
inline constexpr std::size_t kMaxHeaderLines = 1024;

// Reads one message into `into`, whose memory is used again. Unknown fields are skipped.
// Errors: bad_request, for what is not a message of this type.
Result<void> decode(std::string_view message, ProcessingRequest& into);

// The strings of the list at `key` of `filter_metadata[space]`, without elements of other types;
// nothing when the key is missing or no list. The views are into `metadata`, the elements in
// `into`.
std::optional<std::span<const std::string_view>> metadata_list(std::string_view metadata,
                                                               std::string_view space,
                                                               std::string_view key,
                                                               std::vector<std::string_view>& into);

// Whether there is a `filter_metadata[space]`.
bool has_metadata(std::string_view metadata, std::string_view space);

// The string at `key` of `filter_metadata[space]`, or nothing.
std::optional<std::string_view> metadata_string(std::string_view metadata, std::string_view space,
                                                std::string_view key);

}  // namespace pointsman
