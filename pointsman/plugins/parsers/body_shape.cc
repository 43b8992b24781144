#include "pointsman/plugins/parsers/body_shape.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "pointsman/base/json_escape.h"
#include "pointsman/base/text.h"

namespace pointsman {
namespace {

using Kind = JsonReader::Kind;

std::string_view go_name(Kind kind) {
  switch (kind) {
    case Kind::object:
      return "object";
    case Kind::array:
      return "array";
    case Kind::string:
      return "string";
    case Kind::number:
      return "number";
    case Kind::boolean:
      return "bool";
    case Kind::null:
    case Kind::none:
      break;
  }
  return "null";
}

std::string_view go_type(Kind kind) {
  switch (kind) {
    case Kind::object:
      return "map[string]interface {}";
    case Kind::array:
      return "[]interface {}";
    default:
      return go_name(kind);
  }
}

constexpr std::size_t kMaxCaps = 2;

// Takes over the model if it is a string. Returns where the value stands: offset and length.
std::pair<std::size_t, std::size_t> read_model(JsonReader& json, Request& request, Arena& arena) {
  const Kind kind = json.peek();
  const std::size_t from = json.offset();
  request.model = {};
  if (kind == Kind::string) {
    request.model = valid_utf8(unescaped(json.string().raw, arena), arena);
  } else {
    json.skip();
  }
  return {from, json.offset() - from};
}

// Whether the value is literally true.
bool read_stream(JsonReader& json, BodyShape& shape) {
  const Kind kind = json.peek();
  if (kind == Kind::boolean) return json.boolean();
  if (kind != Kind::null) shape.odd_stream(kind);
  json.skip();
  return false;
}

}  // namespace

void BodyShape::complain(std::string text) {
  if (complaint_.empty()) complaint_ = std::move(text);
}

void BodyShape::complain(Kind got, std::string_view name, std::string_view wanted) {
  complain("json: cannot unmarshal " + std::string(go_name(got)) + " into Go struct field " +
           std::string(name) + " of type " + std::string(wanted));
}

JsonString BodyShape::string_at(JsonReader& json, std::string_view name) {
  const Kind kind = json.peek();
  if (kind == Kind::string) return json.string();
  if (kind != Kind::null) complain(kind, name, "string");
  json.skip();
  return {};
}

bool BodyShape::enter(JsonReader& json, Kind kind, std::string_view name) {
  const Kind got = json.peek();
  if (got == kind) {
    json.open();
    return true;
  }
  if (got != Kind::null) complain(got, name, go_type(kind));
  json.skip();
  return false;
}

std::string_view BodyShape::skip_as(JsonReader& json, Kind kind, std::string_view name) {
  const Kind got = json.peek();
  if (got != kind && got != Kind::null) complain(got, name, go_type(kind));
  return skip_any(json);
}

std::string_view BodyShape::skip_any(JsonReader& json) {
  const bool null = json.peek() == Kind::null;
  const std::string_view text = json.skip();
  return null ? std::string_view() : text;
}

void BodyShape::skip_integer(JsonReader& json, std::string_view name) {
  const Kind kind = json.peek();
  if (kind == Kind::null) {
    json.skip();
    return;
  }
  const std::string_view text = json.skip();
  if (kind != Kind::number) {
    complain(kind, name, "int");
  } else if (!number_in<std::int64_t>(text)) {
    complain("json: cannot unmarshal number " + std::string(text) + " into Go struct field " +
             std::string(name) + " of type int");
  }
}

std::optional<std::int64_t> read_cap(JsonReader& json) {
  if (json.peek() != Kind::number) {
    json.skip();
    return std::nullopt;
  }
  const double value = number_value(json.number());
  // 2^63 is the first double that does not fit.
  if (!(value >= 0.0) || std::trunc(value) != value || value >= 0x1p63) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> read_cap_in(JsonReader& json, std::string_view name) {
  std::optional<std::int64_t> cap;
  if (json.peek() != Kind::object) {
    json.skip();
    return cap;
  }
  json.open();
  for (JsonString key; json.next_key(key);) {
    if (key.raw == name) {
      cap = read_cap(json);
    } else {
      json.skip();
    }
  }
  return cap;
}

Result<Parsed> read_body(std::string_view body, std::span<const std::string_view> caps,
                         BodyShape& shape, Request& request, Arena& arena) {
  JsonReader json(body);
  Parsed parsed;
  std::array<std::optional<std::int64_t>, kMaxCaps> found;
  request.model = {};
  request.stream = false;
  const Kind kind = json.peek();
  if (kind == Kind::object) {
    json.open();
    for (JsonString key; json.next_key(key);) {
      const std::string_view name = key.escaped() ? unescaped(key.raw, arena) : key.raw;
      if (name == "model") {
        parsed.model_value = read_model(json, request, arena);
      } else if (name == "stream") {
        request.stream = read_stream(json, shape);
      } else if (const auto cap = std::ranges::find(caps, name); cap != caps.end()) {
        found.at(static_cast<std::size_t>(cap - caps.begin())) = read_cap(json);
      } else {
        shape.field(name, json);
      }
    }
  } else {
    json.skip();
  }
  // Numbers are looked at only where values are read, which is inside of an object.
  if (!json.finish() && (kind == Kind::object || !json.only_out_of_range())) {
    return fail(Code::bad_request, json.error());
  }
  if (kind != Kind::object && kind != Kind::null) {
    return fail(Code::bad_request, "json: cannot unmarshal " + std::string(go_name(kind)) +
                                       " into Go value of type map[string]interface {}");
  }
  const auto first = std::ranges::find_if(found, [](const auto& cap) { return cap.has_value(); });
  request.max_output_tokens = first == found.end() ? std::nullopt : *first;
  parsed.rewritable = kind == Kind::object;
  return parsed;
}

}  // namespace pointsman
