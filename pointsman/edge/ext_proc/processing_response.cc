#include "pointsman/edge/ext_proc/processing_response.h"

#include <array>
#include <charconv>

#include "pointsman/base/proto_wire.h"
#include "pointsman/edge/control_headers.h"

namespace pointsman {
namespace {

// Field numbers: spec/03 section 1.2. `Out` is a ProtoSizer or a ProtoWriter.

// HeaderMutation.set_headers = 1: HeaderValueOption{header = 1}: HeaderValue{key, raw_value = 3}
template <typename Out>
void put_header(Out& out, const Header& header) {
  out.message(1, [&](auto& option) {
    option.message(1, [&](auto& value) {
      value.bytes(1, header.name);
      value.bytes(3, header.value);
    });
  });
}

template <typename Out>
void put_headers(Out& out, std::span<const Header> headers) {
  for (const Header& header : headers) put_header(out, header);
}

// One entry of google.protobuf.Struct.fields, its Value written by `fill`.
template <typename Out, typename Fill>
void put_entry(Out& out, std::string_view key, const Fill& fill) {
  out.message(1, [&](auto& entry) {
    entry.bytes(1, key);
    entry.message(2, fill);
  });
}

// ProcessingResponse.dynamic_metadata = 8, already encoded
template <typename Out>
void put_metadata(Out& out, std::string_view metadata) {
  if (!metadata.empty()) out.bytes(8, metadata);
}

class Decimal {
 public:
  explicit Decimal(std::size_t number)
      : end_(std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr) {}
  std::string_view text() const { return {digits_.data(), end_}; }

 private:
  std::array<char, 20> digits_{};  // 2^64 has 20
  const char* end_;
};

template <typename Out>
void put(Out& out, const RequestHeadersResponse& m) {
  const Decimal length(m.content_length);
  out.message(1, [&](auto& headers) {
    headers.message(1, [&](auto& common) {
      common.message(2, [&](auto& mutation) {
        put_header(mutation, {kDestinationHeader, m.destination});
        if (m.content_length > 0) put_header(mutation, {"Content-Length", length.text()});
        put_headers(mutation, m.trace);
        put_headers(mutation, m.set);
        for (const std::string_view name : m.removed) mutation.bytes(2, name);
      });
      common.value(5, 1);  // clear_route_cache
    });
  });
  out.message(8, [&](auto& metadata) {
    put_entry(metadata, kMetadataSpace, [&](auto& space) {
      space.message(5, [&](auto& fields) {  // struct_value
        put_entry(fields, kDestinationHeader, [&](auto& v) { v.bytes(3, m.destination); });
        if (m.scores.empty()) return;
        put_entry(fields, kScoresKey, [&](auto& scores) {
          scores.message(5, [&](auto& all) {
            for (const EndpointScore& each : m.scores) {
              put_entry(all, each.endpoint, [&](auto& v) { v.number(2, each.score); });
            }
          });
        });
      });
    });
    // Of two map entries with one key the later counts, so a plugin's namespace replaces ours.
    metadata.raw(m.metadata);
  });
}

template <typename Out>
void put(Out& out, const ResponseHeadersResponse& m) {
  out.message(2, [&](auto& headers) {
    headers.message(1, [&](auto& common) {
      common.message(2, [&](auto& mutation) {
        put_header(mutation, {kResponseMarker, "true"});
        put_headers(mutation, m.set);
      });
    });
  });
  put_metadata(out, m.metadata);
}

template <typename Out>
void put(Out& out, const StreamedBody& m) {
  out.message(m.phase == Phase::request ? 3 : 4, [&](auto& body) {
    body.message(1, [&](auto& common) {
      common.message(3, [&](auto& mutation) {
        mutation.message(3, [&](auto& streamed) {
          std::size_t size = 0;
          for (const std::string_view piece : m.body) size += piece.size();
          if (size > 0) {
            streamed.open(1, size);
            for (const std::string_view piece : m.body) streamed.raw(piece);
          }
          if (m.end_of_stream) streamed.value(2, 1);
        });
      });
    });
  });
  put_metadata(out, m.metadata);
}

template <typename Out>
void put(Out& out, const TrailersResponse& m) {
  out.bytes(m.phase == Phase::request ? 5 : 6, {});
  put_metadata(out, m.metadata);
}

template <typename Out>
void put(Out& out, const ImmediateResponse& m) {
  out.message(7, [&](auto& response) {
    response.message(1, [&](auto& s) { s.value(1, static_cast<std::uint64_t>(m.status)); });
    if (!m.headers.empty()) {
      response.message(2, [&](auto& mutation) { put_headers(mutation, m.headers); });
    }
    response.bytes(3, m.body);
    if (m.grpc_status) {
      response.message(4, [&](auto& status) { status.value(1, *m.grpc_status); });
    }
  });
}

template <typename Message>
std::size_t measure(const Message& message) {
  ProtoSizer sizer;
  put(sizer, message);
  return sizer.size();
}

template <typename Message>
void write(const Message& message, char* to) {
  ProtoWriter writer(to);
  put(writer, message);
}

}  // namespace

bool take_chunk(BodyPieces& left, BodyPieces& chunk) {
  std::size_t room = kBodyChunk;
  bool last = true;
  for (std::size_t i = 0; i < kBodyPieces; ++i) {
    chunk[i] = left[i].substr(0, room);
    room -= chunk[i].size();
    left[i].remove_prefix(chunk[i].size());
    last = last && left[i].empty();
  }
  return last;
}

std::size_t encoded_size(const RequestHeadersResponse& message) {
  return measure(message);
}
std::size_t encoded_size(const ResponseHeadersResponse& message) {
  return measure(message);
}
std::size_t encoded_size(const StreamedBody& message) {
  return measure(message);
}
std::size_t encoded_size(const TrailersResponse& message) {
  return measure(message);
}
std::size_t encoded_size(const ImmediateResponse& message) {
  return measure(message);
}

void encode(const RequestHeadersResponse& message, char* to) {
  write(message, to);
}
void encode(const ResponseHeadersResponse& message, char* to) {
  write(message, to);
}
void encode(const StreamedBody& message, char* to) {
  write(message, to);
}
void encode(const TrailersResponse& message, char* to) {
  write(message, to);
}
void encode(const ImmediateResponse& message, char* to) {
  write(message, to);
}

}  // namespace pointsman
