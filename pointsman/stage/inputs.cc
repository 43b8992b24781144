#include "pointsman/stage/inputs.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "pointsman/base/client_text.h"
#include "pointsman/base/random.h"

namespace pointsman {
namespace {

constexpr std::size_t kPrinted = 64;  // bytes looked at on either end of a prompt

// Appends raw memory.
void append(std::vector<std::byte>& out, const void* from, std::size_t bytes) {
  const auto* const first = static_cast<const std::byte*>(from);
  out.insert(out.end(), first, first + bytes);
}

void keep_text(std::string_view text, std::string& out, bool& exact) {
  exact = exact && text.size() <= kMaxInputText;
  out.append(text.substr(0, kMaxInputText));
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) {
  return Random(hash ^ word).next();
}

std::uint64_t mixed(std::uint64_t hash, std::string_view bytes) {
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t n = std::min(bytes.size(), sizeof(word));
    std::memcpy(&word, bytes.data(), n);
    hash = mixed(hash, word);
    bytes.remove_prefix(n);
  }
  return hash;
}

PromptPrint print_of(std::span<const Prompt> prompts, std::uint64_t salt) {
  PromptPrint print{.prompts = static_cast<std::uint32_t>(prompts.size()), .hash = salt};
  for (const Prompt& prompt : prompts) {
    print.parts += static_cast<std::uint32_t>(prompt.parts.size());
    for (const PromptPart& part : prompt.parts) {
      print.bytes += part.bytes.size() + part.tokens.size_bytes();
      print.images += part.kind == PromptPart::Kind::image ? 1 : 0;
      print.audios += part.kind == PromptPart::Kind::audio ? 1 : 0;
      print.videos += part.kind == PromptPart::Kind::video ? 1 : 0;
    }
    if (prompt.parts.empty()) continue;
    const std::string_view first = prompt.parts.front().bytes;
    const std::string_view last = prompt.parts.back().bytes;
    print.hash = mixed(print.hash, first.substr(0, kPrinted));
    print.hash = mixed(print.hash, last.substr(last.size() - std::min(last.size(), kPrinted)));
    print.hash = mixed(print.hash, print.bytes);
  }
  return print;
}

// The texts of one element follow all elements, in the order of elements and fields.
void take_texts(const SignalShape& shape, const std::byte* element, Inputs& inputs) {
  for (const RecordedField& field : shape.fields) {
    if (field.type != RecordedField::Type::text) continue;
    std::string_view text;
    std::memcpy(&text, element + field.offset, sizeof(std::string_view));
    inputs.exact = inputs.exact && text.size() <= kMaxInputText;
    append(inputs.columns, text.data(), std::min(text.size(), kMaxInputText));
  }
}

void take_column(const SignalColumn& column, const Signals& signals, bool all, Inputs& inputs) {
  const auto* const first = static_cast<const std::byte*>(signals.at(column.place));
  inputs.columns.push_back(static_cast<std::byte>(first == nullptr ? 0 : 1));
  if (first == nullptr) return;
  const SignalShape& shape = *column.shape;
  if (!column.per_endpoint) {
    append(inputs.columns, first, shape.size);
    if (shape.texts) take_texts(shape, first, inputs);
    return;
  }
  const auto& candidates = inputs.candidates;
  if (all) {
    append(inputs.columns, first, shape.size * candidates.size());
  } else {
    const std::size_t at = inputs.columns.size();
    inputs.columns.resize(at + shape.size * candidates.size());
    std::byte* to = inputs.columns.data() + at;
    for (const EndpointIndex e : candidates) {
      std::memcpy(to, first + e * shape.size, shape.size);
      to += shape.size;
    }
  }
  if (!shape.texts) return;
  for (const EndpointIndex e : candidates) take_texts(shape, first + e * shape.size, inputs);
}

// Reads the raw columns from front to back.
class Raw {
 public:
  explicit Raw(std::span<const std::byte> left) : left_(left) {}

  // The next bytes; nullptr when there are not so many.
  const std::byte* take(std::size_t bytes) {
    if (bytes > left_.size()) return nullptr;
    const std::byte* const at = left_.data();
    left_ = left_.subspan(bytes);
    return at;
  }

 private:
  std::span<const std::byte> left_;
};

// Copies an element from its recorded layout to that of the pipeline. Only listed fields: the rest
// is for producers and stays value-initialised.
void restore_numbers(const SignalShape& recorded, const std::byte* from, const SignalShape& wanted,
                     std::byte* to) {
  for (std::size_t f = 0; f < recorded.fields.size(); ++f) {
    const RecordedField& field = recorded.fields[f];
    if (field.type == RecordedField::Type::text) continue;
    std::memcpy(to + wanted.fields[f].offset, from + field.offset, field.width);
  }
}

// Takes the texts of one element, whose recorded form still has their lengths. Copies them into
// `arena` when there is somewhere to put them.
bool restore_texts(const SignalShape& recorded, const std::byte* from, const SignalShape* wanted,
                   std::byte* to, Raw& raw, Arena& arena) {
  for (std::size_t f = 0; f < recorded.fields.size(); ++f) {
    const RecordedField& field = recorded.fields[f];
    if (field.type != RecordedField::Type::text) continue;
    std::string_view text;
    std::memcpy(&text, from + field.offset, sizeof(std::string_view));
    const std::size_t size = std::min(text.size(), kMaxInputText);
    const std::byte* const bytes = raw.take(size);
    if (bytes == nullptr) return false;
    if (wanted == nullptr) continue;
    text = arena.copy({reinterpret_cast<const char*>(bytes), size});
    std::memcpy(to + wanted->fields[f].offset, &text, sizeof(std::string_view));
  }
  return true;
}

// One column of the record into its place in the pipeline; none: the column is passed over.
bool restore_column(const Inputs& inputs, const SignalColumn& column, const SignalColumn* place,
                    std::size_t endpoints, Raw& raw, Signals& signals) {
  const std::byte* const there = raw.take(1);
  if (there == nullptr) return false;
  if (*there == std::byte{0}) return true;
  const SignalShape& shape = *column.shape;
  const std::size_t count = column.per_endpoint ? inputs.candidates.size() : 1;
  const std::byte* const from = raw.take(count * shape.size);
  if (from == nullptr) return false;
  const SignalShape* const wanted = place == nullptr ? nullptr : place->shape;
  std::byte* const to = place == nullptr
                            ? nullptr
                            : static_cast<std::byte*>(signals.make(
                                  place->place, *wanted, column.per_endpoint ? endpoints : 1));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t e = column.per_endpoint ? inputs.candidates[i] : 0;
    if (column.per_endpoint && e >= endpoints) return false;
    std::byte* const element = to == nullptr ? nullptr : to + e * wanted->size;
    if (element != nullptr) restore_numbers(shape, from + i * shape.size, *wanted, element);
    if (shape.texts &&
        !restore_texts(shape, from + i * shape.size, wanted, element, raw, signals.arena())) {
      return false;
    }
  }
  return true;
}

}  // namespace

void take_inputs(const std::shared_ptr<const InputSchema>& schema, const Context& context,
                 std::span<const EndpointIndex> candidates, std::uint64_t salt, Inputs& inputs) {
  const Request& request = context.request;
  inputs.schema = schema;
  inputs.taken = true;
  // Those stand in the decision itself.
  inputs.exact = request.id.size() <= kMaxClientText && request.model.size() <= kMaxClientText &&
                 request.target_model.size() <= kMaxClientText;
  inputs.stale_before = context.stale_before;
  inputs.received = request.received;
  inputs.max_output_tokens = request.max_output_tokens;
  inputs.stream = request.stream;
  keep_text(request.path, inputs.path, inputs.exact);
  keep_text(request.fairness_id, inputs.fairness_id, inputs.exact);
  inputs.print = print_of(request.prompts, salt);
  inputs.candidates.assign(candidates.begin(), candidates.end());
  for (const std::string& name : schema->headers) {
    if (!request.has_header(name)) {
      inputs.header_sizes.push_back(-1);
      continue;
    }
    const std::size_t before = inputs.header_text.size();
    keep_text(request.header(name), inputs.header_text, inputs.exact);
    inputs.header_sizes.push_back(static_cast<std::int32_t>(inputs.header_text.size() - before));
  }
  const bool all = candidates.size() == context.fleet.size();  // in order, since ascending
  for (const SignalColumn& column : schema->columns) {
    take_column(column, context.signals, all, inputs);
  }
}

bool restore_columns(const Inputs& inputs, const Fleet& fleet,
                     std::span<const SignalColumn* const> places, Signals& signals) {
  if (inputs.schema == nullptr || places.size() != inputs.schema->columns.size()) return false;
  Raw raw(inputs.columns);
  for (std::size_t c = 0; c < places.size(); ++c) {
    if (!restore_column(inputs, inputs.schema->columns[c], places[c], fleet.size(), raw, signals)) {
      return false;
    }
  }
  return true;
}

bool same_form(const SignalColumn& a, const SignalColumn& b) {
  return a.per_endpoint == b.per_endpoint &&
         std::ranges::equal(a.shape->fields, b.shape->fields,
                            [](const auto& x, const auto& y) { return x.same_as(y); });
}

}  // namespace pointsman
