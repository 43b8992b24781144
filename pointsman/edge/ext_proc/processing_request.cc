#include "pointsman/edge/ext_proc/processing_request.h"

#include "pointsman/base/proto_wire.h"

namespace pointsman {
namespace {

using Kind = ProcessingRequest::Kind;

// A message that comes in several fields is merged, as by protobuf's own parser.

// HeaderValue{key = 1, value = 2, raw_value = 3}
bool read_header(std::string_view message, Header& header) {
  std::string_view value;
  std::string_view raw;
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(1, ProtoType::bytes)) header.name = field.bytes;
    if (field.is(2, ProtoType::bytes)) value = field.bytes;
    if (field.is(3, ProtoType::bytes)) raw = field.bytes;
  }
  header.value = raw.empty() ? value : raw;
  return reader.ok();
}

// HeaderMap{headers = 1, repeated}
bool read_header_map(std::string_view message, std::vector<Header>& headers) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (!field.is(1, ProtoType::bytes)) continue;
    if (headers.size() == kMaxHeaderLines) return false;
    if (!read_header(field.bytes, headers.emplace_back())) return false;
  }
  return reader.ok();
}

// HttpHeaders{headers = 1, end_of_stream = 3}
bool read_headers(std::string_view message, ProcessingRequest& into) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(1, ProtoType::bytes) && !read_header_map(field.bytes, into.headers)) return false;
    if (field.is(3, ProtoType::varint)) into.end_of_stream = field.value != 0;
  }
  return reader.ok();
}

// HttpBody{body = 1, end_of_stream = 2}
bool read_body(std::string_view message, ProcessingRequest& into) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(1, ProtoType::bytes)) into.body = field.bytes;
    if (field.is(2, ProtoType::varint)) into.end_of_stream = field.value != 0;
  }
  return reader.ok();
}

ProcessingRequest::BodyMode body_mode(std::uint64_t value) {
  return value <= 5 ? static_cast<ProcessingRequest::BodyMode>(value)
                    : ProcessingRequest::BodyMode::none;
}

// ProtocolConfiguration{request_body_mode = 1, response_body_mode = 2}
bool read_protocol(std::string_view message, ProcessingRequest::Protocol& into) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(1, ProtoType::varint)) into.request_body = body_mode(field.value);
    if (field.is(2, ProtoType::varint)) into.response_body = body_mode(field.value);
  }
  return reader.ok();
}

// The oneof: another member than before forgets what that one said.
void choose(Kind kind, ProcessingRequest& into) {
  if (into.kind == kind) return;
  into.kind = kind;
  into.end_of_stream = false;
  into.headers.clear();
  into.body = {};
}

bool read_field(const ProtoField& field, ProcessingRequest& into) {
  if (field.type != ProtoType::bytes) return true;
  switch (field.number) {
    case 2:
    case 3:
      choose(field.number == 2 ? Kind::request_headers : Kind::response_headers, into);
      return read_headers(field.bytes, into);
    case 4:
    case 5:
      choose(field.number == 4 ? Kind::request_body : Kind::response_body, into);
      return read_body(field.bytes, into);
    case 6:
      choose(Kind::request_trailers, into);
      return true;
    case 7:
      choose(Kind::response_trailers, into);
      return true;
    case 8:
      into.metadata = field.bytes;
      return true;
    case 11:
      if (!into.protocol) into.protocol.emplace(ProcessingRequest::Protocol{});
      return read_protocol(field.bytes, *into.protocol);
    default:
      return true;
  }
}

// The value of `key` in an encoded map field `number`: entries {key = 1, value = 2}, the last wins.
std::optional<std::string_view> map_value(std::string_view message, std::uint32_t number,
                                          std::string_view key) {
  std::optional<std::string_view> found;
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (!field.is(number, ProtoType::bytes)) continue;
    std::string_view name;
    std::string_view value;
    ProtoReader entry(field.bytes);
    for (ProtoField part; entry.next(part);) {
      if (part.is(1, ProtoType::bytes)) name = part.bytes;
      if (part.is(2, ProtoType::bytes)) value = part.bytes;
    }
    if (entry.ok() && name == key) found = value;
  }
  return found;
}

// google.protobuf.Value: the number of the kind that is set, last one wins, and its bytes.
struct Value {
  std::uint32_t kind = 0;
  std::string_view bytes;
};
constexpr std::uint32_t kString = 3;
constexpr std::uint32_t kList = 6;

Value read_value(std::string_view message) {
  Value value;
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) value = {field.number, field.bytes};
  return reader.ok() ? value : Value{};
}

Value metadata_value(std::string_view metadata, std::string_view space, std::string_view key) {
  const auto fields = map_value(metadata, 1, space);
  if (!fields) return {};
  const auto value = map_value(*fields, 1, key);
  return value ? read_value(*value) : Value{};
}

}  // namespace

Result<void> decode(std::string_view message, ProcessingRequest& into) {
  into.kind = Kind::none;
  into.end_of_stream = false;
  into.headers.clear();
  into.body = {};
  into.metadata = {};
  into.protocol.reset();
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (!read_field(field, into)) return fail(Code::bad_request, "malformed ProcessingRequest");
  }
  if (!reader.ok()) return fail(Code::bad_request, "malformed ProcessingRequest");
  return {};
}

std::optional<std::span<const std::string_view>> metadata_list(
    std::string_view metadata, std::string_view space, std::string_view key,
    std::vector<std::string_view>& into) {
  into.clear();
  const Value list = metadata_value(metadata, space, key);
  if (list.kind != kList) return std::nullopt;
  ProtoReader reader(list.bytes);
  for (ProtoField field; reader.next(field);) {
    if (!field.is(1, ProtoType::bytes)) continue;
    const Value element = read_value(field.bytes);
    if (element.kind == kString) into.push_back(element.bytes);
  }
  return into;
}

bool has_metadata(std::string_view metadata, std::string_view space) {
  return map_value(metadata, 1, space).has_value();
}

std::optional<std::string_view> metadata_string(std::string_view metadata, std::string_view space,
                                                std::string_view key) {
  const Value value = metadata_value(metadata, space, key);
  if (value.kind != kString) return std::nullopt;
  return value.bytes;
}

}  // namespace pointsman
