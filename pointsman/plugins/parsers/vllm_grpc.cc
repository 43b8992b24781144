#include "pointsman/plugins/parsers/vllm_grpc.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "pointsman/base/proto_wire.h"
#include "pointsman/plugins/parsers/grpc_frame.h"
#include "pointsman/plugins/parsers/openai_shapes.h"
#include "pointsman/plugins/parsers/part_list.h"
#include "pointsman/stage/parser_table.h"

namespace pointsman {
namespace {

constexpr std::string_view kGeneratePath = "vllm.grpc.engine.VllmEngine/Generate";
constexpr std::string_view kEmbedPath = "vllm.grpc.engine.VllmEngine/Embed";
constexpr std::array<std::string_view, 2> kPaths{kGeneratePath, kEmbedPath};

// What a response is, as Parsed::mode.
constexpr std::uint8_t kGenerate = 0;
constexpr std::uint8_t kEmbed = 1;

// An image: so many of the token ids, beginning at an offset, stand for it.
struct Placeholder {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string_view hash;
};

// Calls take(value) for each number of a repeated uint32, packed or not. False: malformed.
template <typename Take>
bool each_number(const ProtoField& field, const Take& take) {
  if (field.type == ProtoType::varint) {
    take(static_cast<std::uint32_t>(field.value));
    return true;
  }
  if (field.type != ProtoType::bytes) return true;
  ProtoVarints numbers(field.bytes);
  for (std::uint64_t number = 0; numbers.next(number);) take(static_cast<std::uint32_t>(number));
  return numbers.ok();
}

// TokenizedInput: the ids of field 2.
std::optional<std::span<const std::uint32_t>> read_ids(std::string_view message, Arena& arena) {
  constexpr std::uint32_t kInputIds = 2;
  std::size_t count = 0;
  ProtoField field;
  ProtoReader counting(message);
  while (counting.next(field)) {
    if (field.number != kInputIds) continue;
    if (!each_number(field, [&](std::uint32_t) { ++count; })) return std::nullopt;
  }
  if (!counting.ok()) return std::nullopt;
  const auto ids = arena.array<std::uint32_t>(count);
  auto at = ids.begin();
  for (ProtoReader reader(message); reader.next(field);) {
    if (field.number == kInputIds) each_number(field, [&](std::uint32_t id) { *at++ = id; });
  }
  return ids;
}

// MultimodalInputs: mm_placeholders (5), each with offset and length, and their mm_hashes (6).
std::optional<std::span<Placeholder>> read_images(std::string_view message, Arena& arena) {
  std::size_t count = 0;
  ProtoField field;
  ProtoReader counting(message);
  while (counting.next(field)) count += field.is(5, ProtoType::bytes) ? 1 : 0;
  if (!counting.ok()) return std::nullopt;
  const auto images = arena.array<Placeholder>(std::min(count, PartList::kMax));
  std::size_t places = 0;
  std::size_t hashes = 0;
  for (ProtoReader reader(message); reader.next(field);) {
    if (field.is(6, ProtoType::bytes) && hashes < images.size())
      images[hashes++].hash = field.bytes;
    if (!field.is(5, ProtoType::bytes) || places == images.size()) continue;
    ProtoReader place(field.bytes);
    for (ProtoField part; place.next(part);) {
      if (part.is(1, ProtoType::varint)) images[places].offset = part.value;
      if (part.is(2, ProtoType::varint)) images[places].length = part.value;
    }
    if (!place.ok()) return std::nullopt;
    ++places;
  }
  return images;
}

// The ids as prompt parts, with the images in the place of the ids that stand for them: those are
// the same for every image, which would make all of them look alike.
void add_prompt(std::span<const std::uint32_t> ids, std::span<Placeholder> images,
                PartList& parts) {
  std::ranges::stable_sort(images, {}, &Placeholder::offset);
  std::size_t done = 0;
  const auto ids_until = [&](std::size_t end) {
    if (end > done)
      parts.add({.kind = PromptPart::Kind::tokens, .tokens = ids.subspan(done, end - done)});
    done = end;
  };
  for (const Placeholder& image : images) {
    const bool fits = image.offset >= done && image.offset <= ids.size() && image.length > 0 &&
                      image.length <= ids.size() - image.offset;
    if (!fits) continue;
    ids_until(image.offset);
    parts.add({.kind = PromptPart::Kind::image,
               .count = static_cast<std::uint32_t>(image.length),
               .bytes = image.hash});
    done += image.length;
  }
  ids_until(ids.size());
}

// What of GenerateRequest counts here.
struct Generate {
  std::optional<std::string_view> tokenized;  // the input is one of these two
  std::optional<std::string_view> text;
  std::string_view images;
  std::optional<std::int64_t> max_tokens;
  bool stream = false;
};

bool read_sampling(std::string_view message, Generate& into) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(8, ProtoType::varint)) into.max_tokens = static_cast<std::uint32_t>(field.value);
  }
  return reader.ok();
}

bool read_generate(std::string_view message, Generate& into) {
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(2, ProtoType::bytes)) {
      into.tokenized = field.bytes;
      into.text.reset();
    } else if (field.is(3, ProtoType::bytes)) {
      into.text = field.bytes;
      into.tokenized.reset();
    } else if (field.is(4, ProtoType::bytes)) {
      if (!read_sampling(field.bytes, into)) return false;
    } else if (field.is(5, ProtoType::varint)) {
      into.stream = field.value != 0;
    } else if (field.is(7, ProtoType::bytes)) {
      into.images = field.bytes;
    }
  }
  return reader.ok();
}

Result<Parsed> parse_generate(std::string_view message, Request& request, Arena& arena) {
  Generate read;
  if (!read_generate(message, read)) return std::unexpected(malformed_message("GenerateRequest"));
  request.stream = read.stream;
  request.max_output_tokens = read.max_tokens;
  if (!read.text && !read.tokenized) {
    return fail(Code::bad_request, "not supported request inputType");
  }
  PartList parts(arena);
  if (read.text) {
    parts.add_text(*read.text);
  } else {
    const auto ids = read_ids(*read.tokenized, arena);
    const auto images = read_images(read.images, arena);
    if (!ids || !images) return std::unexpected(malformed_message("GenerateRequest"));
    add_prompt(*ids, *images, parts);
  }
  request.prompts = one_prompt(parts.all(), arena);
  return Parsed{.mode = kGenerate};
}

Result<Parsed> parse_embed(std::string_view message, Request& request, Arena& arena) {
  std::optional<std::string_view> tokenized;
  if (!find_bytes(message, 2, tokenized)) {
    return std::unexpected(malformed_message("EmbedRequest"));
  }
  if (!tokenized) return fail(Code::bad_request, "missing tokenized input in EmbedRequest");
  const auto ids = read_ids(*tokenized, arena);
  if (!ids) return std::unexpected(malformed_message("EmbedRequest"));
  PartList parts(arena);
  add_prompt(*ids, {}, parts);
  request.prompts = one_prompt(parts.all(), arena);
  return Parsed{.mode = kEmbed};
}

// The counts of a response: `prompt`, `output` and `cached` are their field numbers, 0: none.
Usage read_counts(std::string_view message, std::uint32_t prompt, std::uint32_t output,
                  std::uint32_t cached) {
  Usage usage{.prompt = 0, .output = 0, .cached = cached == 0 ? -1 : 0};
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.type != ProtoType::varint) continue;
    const auto count = std::int64_t{static_cast<std::uint32_t>(field.value)};
    if (field.number == prompt) usage.prompt = count;
    if (field.number == output) usage.output = count;
    if (field.number == cached) usage.cached = count;
  }
  const bool reported = reader.ok() && (usage.prompt > 0 || usage.output > 0);
  return reported ? usage : Usage{};
}

// GenerateResponse: a chunk (1) or, at the end, the whole (2).
Usage generate_usage(std::string_view message) {
  Usage usage;
  ProtoReader reader(message);
  for (ProtoField field; reader.next(field);) {
    if (field.is(1, ProtoType::bytes)) usage = read_counts(field.bytes, 2, 3, 4);
    if (field.is(2, ProtoType::bytes)) usage = read_counts(field.bytes, 3, 4, 5);
  }
  return reader.ok() ? usage : Usage{};
}

}  // namespace

std::span<const std::string_view> VllmGrpcParser::paths() const {
  return kPaths;
}

Result<Parsed> VllmGrpcParser::parse(std::string_view body, Request& request, Arena& arena) const {
  const auto message = grpc_message(body, request, arena);
  if (!message) return fail(Code::bad_request, "invalid or unsupported gRPC payload");
  if (path_matches(request.path, kGeneratePath)) return parse_generate(*message, request, arena);
  if (path_matches(request.path, kEmbedPath)) return parse_embed(*message, request, arena);
  return Parsed{.skip_response = true};
}

// Both kinds of response are read by the path of their request: their encodings overlap.
void VllmGrpcParser::read(std::string_view chunk, bool /*sse*/, bool /*end*/,
                          ResponseProgress& progress) const {
  read_grpc_frames(chunk, progress, [&progress](std::string_view message) {
    const Usage usage =
        progress.mode == kEmbed ? read_counts(message, 2, 0, 0) : generate_usage(message);
    if (usage.any()) progress.usage.merge(usage);
  });
}

}  // namespace pointsman
