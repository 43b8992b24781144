#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/base/json_reader.h"
#include "pointsman/base/result.h"
#include "pointsman/model/request.h"
#include "pointsman/stage/parser.h"

namespace pointsman {

// What one API expects in the top-level object of its requests. It gathers the stretches of the
// body that the model will read, in the order of spec/05 section 3.6; a key that stands twice
// counts the last time.
class BodyShape {
 public:
  explicit BodyShape(Arena& arena) : arena_(arena) {}
  virtual ~BodyShape() = default;

  // Reads the value of a top-level key other than those that read_body() takes.
  virtual void field(std::string_view key, JsonReader& json) = 0;

  // Sets the prompts and what else is special to this API. False when the body lacks what the API
  // cannot do without.
  virtual bool give(Request& request) = 0;

  // Told when "stream" is neither a boolean nor null. Most APIs take that for false.
  virtual void odd_stream(JsonReader::Kind /*kind*/) {}

  // What had the wrong type first, in the words of Go's encoding/json; empty when nothing had.
  const std::string& complaint() const { return complaint_; }

 protected:
  using Kind = JsonReader::Kind;

  // The next value as a string. Null is empty; anything else is skipped with a complaint.
  JsonString string_at(JsonReader& json, std::string_view name);
  // Enters the next value. Null is skipped, and so is, with a complaint, any other kind.
  bool enter(JsonReader& json, Kind kind, std::string_view name);
  // Skips the next value, with a complaint if it is neither of this kind nor null. Returns its
  // text; empty for null.
  std::string_view skip_as(JsonReader& json, Kind kind, std::string_view name);
  // Skips any value. Returns its text; empty for null.
  std::string_view skip_any(JsonReader& json);
  // A whole number that fits 64 bits; null passes.
  void skip_integer(JsonReader& json, std::string_view name);

  Arena& arena() { return arena_; }

  void complain(Kind got, std::string_view name, std::string_view wanted);
  void complain(std::string text);

 private:
  Arena& arena_;
  std::string complaint_;
};

// Reads the body once and wholly: model, stream and output cap into `request`, the rest through
// `shape`. `caps`: the keys of the output cap, the first valid one counts. Fails with Go's message
// when the body is not a JSON object; what the shape has to say is up to the caller.
Result<Parsed> read_body(std::string_view body, std::span<const std::string_view> caps,
                         BodyShape& shape, Request& request, Arena& arena);

// The output cap in a JSON value: a number that is whole and not negative. Consumes the value.
std::optional<std::int64_t> read_cap(JsonReader& json);
// The one under that key of an object; none in anything else. Consumes the value.
std::optional<std::int64_t> read_cap_in(JsonReader& json, std::string_view name);

}  // namespace pointsman
