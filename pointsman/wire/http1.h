#pragma once

// Internal to wire/: the syntax of HTTP/1.1 messages (RFC 9112), apart from any connection.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/wire/http.h"

namespace pointsman {

// Why a message is refused, with the status that says so to a client.
struct HttpRefusal {
  int status = 400;
  std::string_view why;
};

template <typename T>
using HttpParsed = std::expected<T, HttpRefusal>;

struct HeadLimits {
  std::size_t bytes;
  std::size_t fields;
};

// Collects bytes until a message head is complete, which it often is in one piece: then nothing
// is copied.
class HeadScanner {
 public:
  explicit HeadScanner(std::size_t limit) : limit_(limit) {}

  // Takes bytes from the front of `input`. Returns the head with its last line feed, valid until
  // the next call; or an empty view if it is not complete yet (`input` is then used up, but for a
  // lone CR that may begin an empty line).
  // Empty lines before a head are skipped. Refuses line feeds without carriage return.
  HttpParsed<std::string_view> take(std::string_view& input);

  // Has part of a head come?
  bool begun() const { return !kept_.empty(); }
  void clear();

 private:
  std::size_t limit_;
  std::string kept_;       // the beginning of a head
  std::size_t line_ = 0;   // bytes of its last line, which is not complete
  bool finished_ = false;  // kept_ has been handed out
};

// Reads a complete head, as HeadScanner gives it, into `out`, whose memory is used again.
HttpParsed<void> parse_request_head(std::string_view text, const HeadLimits& limits,
                                    RequestHead& out);
HttpParsed<void> parse_response_head(std::string_view text, const HeadLimits& limits,
                                     ResponseHead& out);

// A host, with or without a port, as in Host and :authority: no user, no list (RFC
// 9110 4.2.4, 7.2).
bool is_authority(std::string_view text);
// What may stand as the target of a request: no blank, control, fragment or byte beyond ASCII
// (RFC 3986). Empty: no.
bool is_target(std::string_view text);

// What the request expects of us (RFC 9110 10.1.1).
enum class Expectation : std::uint8_t { none, go_ahead, unknown };
Expectation expectation(const HttpFields& fields);
inline constexpr HttpRefusal kUnknownExpectation{417, "unknown expectation"};

// How the end of a body is known.
struct Framing {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
};

// Errors: anything ambiguous (RFC 9112 6.3): both or repeated length and transfer coding, other
// transfer codings than chunked (501), a length that is no number.
HttpParsed<Framing> request_framing(const RequestHead& head);
HttpParsed<Framing> response_framing(const ResponseHead& head, std::string_view method);

// Will the connection stay open after this message?
bool keeps_open(int minor, const HttpFields& fields);

// Takes a chunked body apart (RFC 9112 7.1).
class ChunkDecoder {
 public:
  // Takes bytes from the front of `input` up to the end of one piece of the body; returns the
  // piece, empty if there was only framing. Call again until `input` is empty or done().
  HttpParsed<std::string_view> take(std::string_view& input);

  bool done() const { return state_ == State::done; }
  // Reads the trailers, of which there may be none, without those that must not be there.
  // REQUIRES: done().
  HttpParsed<void> trailers(HttpFields& out) const;
  bool has_trailers() const { return trailers_.size() > 2; }
  void clear() { *this = ChunkDecoder(); }

 private:
  enum class State : std::uint8_t {
    size,
    blank,  // behind the size
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    trailer_lf,
    last_lf,
    done,
  };
  HttpParsed<void> framing(char c);

  State state_ = State::size;
  bool any_digit_ = false;
  std::uint64_t left_ = 0;    // of this chunk
  std::size_t overhead_ = 0;  // bytes of this line, or of all trailers
  std::string trailers_;      // with the empty line behind them
};

// Appends a head without its body's framing, up to but excluding the empty line.
void append_request_line(std::string& out, std::string_view method, std::string_view target);
void append_status_line(std::string& out, int status, std::string_view reason);
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_number(std::string& out, std::uint64_t number);
// The size line of a chunk.
void append_chunk_size(std::string& out, std::size_t size);

// The Date field's value for now, made once a second per thread.
std::string_view http_date();

}  // namespace pointsman
