#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "pointsman/model/request.h"

namespace pointsman {

// envoy.service.ext_proc.v3.ProcessingResponse in its six uses (spec/03 sections 4 and 5), each a
// plain value of views. encoded_size() measures one, encode() writes exactly as many bytes.

struct EndpointScore {
  std::string_view endpoint;  // "host:port"
  double score = 0;
};

// Which half of the HTTP transaction a message belongs to.
enum class Phase : std::uint8_t { request, response };

// Answers request_headers: where the request goes. Header and metadata name the same endpoints.
struct RequestHeadersResponse {
  std::string_view destination;               // "host:port", comma-joined if several
  std::size_t content_length = 0;             // of the body that follows; 0: not set
  std::span<const Header> trace;              // traceparent and its companions
  std::span<const Header> set;                // whatever else is set, in this order
  std::span<const std::string_view> removed;  // names
  std::span<const EndpointScore> scores;      // of --emit-endpoint-scores
  std::string_view metadata;  // an encoded google.protobuf.Struct; its fields replace ours
};

// Answers response_headers.
struct ResponseHeadersResponse {
  std::span<const Header> set;  // behind the marker header
  std::string_view metadata;    // an encoded google.protobuf.Struct, or empty
};

// One chunk of a body. Envoy wants them at most 64 KiB long; see chunked().
struct StreamedBody {
  Phase phase = Phase::request;
  std::span<const std::string_view> body;  // pieces, to be joined
  bool end_of_stream = false;
  std::string_view metadata;  // an encoded google.protobuf.Struct, or empty
};

// Answers trailers, changing nothing.
struct TrailersResponse {
  Phase phase = Phase::response;
  std::string_view metadata;
};

// Answers the client in place of the model server.
struct ImmediateResponse {
  int status = 500;  // HTTP
  std::span<const Header> headers;
  std::string_view body;
  std::optional<std::uint32_t> grpc_status;  // for clients that speak gRPC
};

std::size_t encoded_size(const RequestHeadersResponse& message);
std::size_t encoded_size(const ResponseHeadersResponse& message);
std::size_t encoded_size(const StreamedBody& message);
std::size_t encoded_size(const TrailersResponse& message);
std::size_t encoded_size(const ImmediateResponse& message);

// Writes the message to `to`, which has room for encoded_size() bytes.
void encode(const RequestHeadersResponse& message, char* to);
void encode(const ResponseHeadersResponse& message, char* to);
void encode(const StreamedBody& message, char* to);
void encode(const TrailersResponse& message, char* to);
void encode(const ImmediateResponse& message, char* to);

// Bytes of a body per message (spec/03 section 4.2): with its framing under Envoy's 64 KiB.
inline constexpr std::size_t kBodyChunk = 62'000;

// Pieces a body may come in: what stands before a rewritten model name, the name, what follows.
inline constexpr std::size_t kBodyPieces = 3;
using BodyPieces = std::array<std::string_view, kBodyPieces>;

// Moves the next chunk from the front of `left` to `chunk`; says whether nothing is left.
bool take_chunk(BodyPieces& left, BodyPieces& chunk);

// Calls `send(StreamedBody)` for each chunk of the body whose pieces these are, and once, empty,
// for an empty one. The last carries `metadata` and, if wanted, the end of the stream.
// REQUIRES: at most kBodyPieces pieces.
template <typename Send>
void chunked(Phase phase, std::span<const std::string_view> pieces, bool end_of_stream,
             std::string_view metadata, const Send& send) {
  BodyPieces left{};
  std::ranges::copy(pieces, left.begin());
  BodyPieces chunk{};
  for (bool last = false; !last;) {
    last = take_chunk(left, chunk);
    send(StreamedBody{.phase = phase,
                      .body = std::span(chunk).first(pieces.size()),
                      .end_of_stream = last && end_of_stream,
                      .metadata = last ? metadata : std::string_view{}});
  }
}

}  // namespace pointsman
