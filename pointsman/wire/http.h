#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman {

// The header fields of one message, in order, names as they were written. Names compare without
// regard to case. All text lies in one buffer, which clear() keeps.
class HttpFields {
 public:
  static constexpr std::size_t kKept = std::size_t{8} << 10U;

  struct Field {
    std::string_view name;
    std::string_view value;
  };

  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  // The views stay valid until the next change.
  Field operator[](std::size_t i) const;

  // The first value of that name. Valid until the next change.
  std::optional<std::string_view> find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }
  // Is `token` an element of the comma-separated values of that name? Without regard to case.
  bool has_token(std::string_view name, std::string_view token) const;

  // CR, LF and NUL in a value become spaces (RFC 9110 5.5), so that no value can pass for another
  // field. REQUIRES: `name` is a token; the texts are not views into this.
  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);  // removes others of that name
  std::size_t remove(std::string_view name);                // how many there were
  void clear();
  void reserve(std::size_t fields, std::size_t bytes);
  // Between two uses: clears, and gives the memory of a rare giant back.
  void recycle();
  // What they take of memory: their text, and 32 bytes for each as RFC 9113 6.5.2 counts.
  std::size_t cost() const { return text_.size() + places_.size() * 32; }

 private:
  struct Place {
    std::uint32_t at;
    std::uint32_t name;
    std::uint32_t value;
  };
  std::string text_;
  std::vector<Place> places_;
};

struct RequestHead {
  std::string method = "GET";
  std::string target = "/";  // as on the request line
  int minor = 1;             // HTTP/1.minor
  HttpFields fields;

  void recycle();  // as HttpFields::recycle()

  std::string_view path() const;   // target up to the `?`
  std::string_view query() const;  // after it, or ""
  // The value of `name` in the query, percent-encoded as it is; "" if there is none.
  std::string_view parameter(std::string_view name) const;
};

// The statuses that there are (RFC 9110 15); an answer with another one is malformed.
inline constexpr int kLowestStatus = 100;
inline constexpr int kHighestStatus = 599;

struct ResponseHead {
  int status = 200;
  std::string reason;  // empty: the usual phrase of the status
  int minor = 1;
  HttpFields fields;
};

// The usual phrase of a status, such as "Not Found"; "" if there is none.
std::string_view reason_phrase(int status);

// Names equal without regard to ASCII case?
bool same_name(std::string_view a, std::string_view b);

// Removes the fields that concern one connection only and must not be forwarded: Connection and
// what it names, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade
// (RFC 9110 7.6.1).
void remove_hop_by_hop(HttpFields& fields);

// Removes what must not stand in trailers: whatever frames, routes or authenticates a message, or
// says how its body is to be read (RFC 9110 6.5.1).
void remove_forbidden_trailers(HttpFields& fields);

// A growing byte buffer which is never filled with zeros, and has kPadding readable zero bytes
// behind its end for parsers that read ahead.
class BodyBuffer {
 public:
  static constexpr std::size_t kPadding = 64;
  static constexpr std::size_t kKept = std::size_t{1} << 20U;
  // Room that is made at first for a body, however long it is said to be.
  static constexpr std::size_t kFirst = std::size_t{256} << 10U;

  std::string_view view() const { return {bytes_.get(), size_}; }
  char* data() { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

  void append(std::string_view more);
  void reserve(std::size_t capacity);  // keeps what is there
  // Room for some of the next `wanted` bytes, at least one: as much again as is there, so that a
  // body takes memory as it comes and not as it is announced.
  std::span<char> room(std::size_t wanted);
  void grow(std::size_t used);  // `used` bytes of room() have been written
  void clear();                 // keeps the memory
  // Between two uses: a rare giant must not stay for ever, so more than kKept is given back.
  void recycle();

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;  // without the padding
};

}  // namespace pointsman
