#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pointsman {

// A string of a JSON text: the bytes between its quotes, escapes still in place.
struct JsonString {
  std::string_view raw;
  std::size_t size = 0;  // bytes after unescaping

  bool escaped() const { return raw.size() != size; }  // every escape is longer than its meaning
};

// Walks once through a JSON text (RFC 8259), forward, without a tree, without memory of its own,
// and checks all of it on the way, also what is skipped. The first mistake ends the walk: peek()
// says `none`, the loops end, and error() tells what was wrong in the words of Go's encoding/json,
// which clients of the reference know (spec/03 section 20). Like there, bytes that are not UTF-8
// pass.
//
//   if (json.peek() == JsonReader::Kind::object) {
//     json.open();
//     for (JsonString key; json.next_key(key);) json.skip();  // or any other read
//   }
//   if (!json.finish()) ...
//
// Each value must be read or skipped before the next key or element is asked for.
class JsonReader {
 public:
  enum class Kind : std::uint8_t { object, array, string, number, boolean, null, none };

  // Nesting deeper than this is an error.
  static constexpr int kMaxDepth = 64;

  explicit JsonReader(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  // The kind of the value that comes next.
  Kind peek();

  // The kind of what comes next in the container just entered; `none` when that is not the start of
  // a value. Never fails.
  Kind look();

  // Enters the object or array that peek() announced.
  void open();
  // Goes to the next value of the object; false at its end or after an error.
  bool next_key(JsonString& key);
  // Goes to the next value of the array; false at its end or after an error.
  bool next_element();
  // Reads elements of the array just entered as long as they are plain integers below 2^32 and
  // there is room. Whatever follows is left to next_element(). Returns how many it read.
  std::size_t next_integers(std::span<std::uint32_t> out);

  // Read the value that peek() announced.
  JsonString string();
  std::string_view number();
  bool boolean();
  // Any value; returns its text.
  std::string_view skip();

  // Whether the text was one valid value and nothing else. Call it after that value.
  bool finish();

  bool failed() const { return fault_ != Fault::none; }
  // Whether nothing is wrong but that no double can hold one of the numbers. Known after finish().
  bool only_out_of_range() const { return fault_ == Fault::range; }
  std::string error() const;
  // The text from `from` to the next byte to be read.
  std::string_view since(std::size_t from) const { return {begin_ + from, offset() - from}; }
  // Where the next byte to be read stands.
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  enum class Fault : std::uint8_t {
    none,
    end,
    value,
    key,
    after_key,
    after_pair,
    after_element,
    after_top,
    in_string,  // up to here a blank may stand there
    in_escape,
    in_hex,
    in_number,
    after_point,
    in_exponent,
    in_literal,
    depth,
    range,
  };

  bool fail(Fault fault);  // always false
  void skip_space();
  void literal(std::string_view word);
  void skip_plain(std::size_t& escapes);
  bool escape(std::size_t& saved);
  bool digits(Fault fault);
  void close();
  bool in_object() const { return (kinds_ & 1U) != 0; }

  const char* begin_;
  const char* at_;
  const char* end_;
  std::uint64_t kinds_ = 0;  // one bit per open container, the innermost lowest; 1: object
  int depth_ = 0;
  bool fresh_ = false;  // a container was just entered
  Fault fault_ = Fault::none;
  std::string_view word_;          // the literal that was misspelt
  std::string_view out_of_range_;  // the first number that no double can hold
};

// The value of a number as a double; infinite when it is too large.
double number_value(std::string_view number);

}  // namespace pointsman
