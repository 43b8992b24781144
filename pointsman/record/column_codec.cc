#include "pointsman/record/column_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "pointsman/stage/inputs.h"

namespace pointsman {
namespace {

using Type = RecordedField::Type;

constexpr std::size_t kMaxColumnBytes = 64UL << 20U;  // of one decision, in memory

// How the values of one field are written.
enum class Form : std::uint8_t {
  same,    // one value for all
  dense,   // all values, as wide as they are
  varint,  // all values, zigzag; of reals only where all are whole
};

// One field over all elements of a column in memory.
class FieldView {
 public:
  FieldView(const std::byte* first, std::size_t stride, std::size_t count,
            const RecordedField& field)
      : first_(first + field.offset), stride_(stride), count_(count), width_(field.width) {}

  std::size_t size() const { return count_; }
  // The bits of a value, without extension.
  std::uint64_t bits(std::size_t i) const {
    std::uint64_t value = 0;
    std::memcpy(&value, first_ + i * stride_, width_);
    return value;
  }
  bool all_same() const {
    for (std::size_t i = 1; i < count_; ++i) {
      if (bits(i) != bits(0)) return false;
    }
    return true;
  }

 private:
  const std::byte* first_;
  std::size_t stride_;
  std::size_t count_;
  std::size_t width_;
};

std::int64_t extended(std::uint64_t bits, const RecordedField& field) {
  const unsigned unused = 64U - 8U * field.width;
  if (field.type != Type::signed_integer) return static_cast<std::int64_t>(bits);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

// The real as a whole number, if it is one and comes back exactly.
bool whole(std::uint64_t bits, std::int64_t& out) {
  const auto value = std::bit_cast<double>(bits);
  if (!(std::abs(value) < 9e15)) return false;
  out = static_cast<std::int64_t>(value);
  return std::bit_cast<std::uint64_t>(static_cast<double>(out)) == bits;
}

bool all_whole(const FieldView& values) {
  std::int64_t number = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!whole(values.bits(i), number)) return false;
  }
  return true;
}

void write_value(ByteWriter& out, std::uint64_t bits, const RecordedField& field) {
  if (field.type == Type::real) {
    out.raw(&bits, field.width);
  } else {
    out.zigzag(extended(bits, field));
  }
}

void write_field(ByteWriter& out, const FieldView& values, const RecordedField& field) {
  if (values.size() == 0) return;
  if (values.all_same()) {
    out.u8(static_cast<std::uint8_t>(Form::same));
    return write_value(out, values.bits(0), field);
  }
  const bool real = field.type == Type::real;
  const bool short_real = real && field.width == 8 && all_whole(values);
  out.u8(static_cast<std::uint8_t>(real && !short_real ? Form::dense : Form::varint));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::int64_t number = 0;
    if (short_real && whole(values.bits(i), number)) {
      out.zigzag(number);
    } else {
      write_value(out, values.bits(i), field);
    }
  }
}

std::uint64_t read_value(ByteReader& in, const RecordedField& field) {
  if (field.type == Type::real) return field.width == 4 ? in.u32() : in.u64();
  if (field.type == Type::boolean) return in.below(3) / 2;
  return static_cast<std::uint64_t>(in.zigzag());
}

void read_field(ByteReader& in, const RecordedField& field, std::byte* first, std::size_t stride,
                std::size_t count) {
  if (count == 0) return;
  const auto form = static_cast<Form>(in.below(3));
  const bool short_real = field.type == Type::real && form == Form::varint;
  if (short_real && field.width != 8) return in.refuse();
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    if (short_real) {
      bits = std::bit_cast<std::uint64_t>(static_cast<double>(in.zigzag()));
    } else if (i == 0 || form != Form::same) {
      bits = read_value(in, field);
    }
    std::memcpy(first + i * stride + field.offset, &bits, field.width);
  }
}

std::string_view text_at(const std::byte* element, const RecordedField& field) {
  std::string_view text;
  std::memcpy(&text, element + field.offset, sizeof(std::string_view));
  return text;
}

}  // namespace

SignalShape packed_shape(std::vector<RecordedField> fields) {
  SignalShape shape{.fields = std::move(fields)};
  for (RecordedField& field : shape.fields) {
    field.offset = shape.size;
    shape.texts = shape.texts || field.type == Type::text;
    shape.size += field.type == Type::text ? sizeof(std::string_view) : field.width;
  }
  return shape;
}

void encode_columns(const Inputs& inputs, ByteWriter& out) {
  const std::byte* at = inputs.columns.data();
  for (const SignalColumn& column : inputs.schema->columns) {
    const SignalShape& shape = *column.shape;
    const bool there = *at++ != std::byte{0};
    out.u8(there ? 1 : 0);
    if (!there) continue;
    const std::size_t count = column.per_endpoint ? inputs.candidates.size() : 1;
    const std::byte* const first = at;
    at += count * shape.size;
    for (const RecordedField& field : shape.fields) {
      if (field.type != Type::text) write_field(out, {first, shape.size, count, field}, field);
    }
    for (std::size_t i = 0; shape.texts && i < count; ++i) {
      for (const RecordedField& field : shape.fields) {
        if (field.type != Type::text) continue;
        const std::size_t size =
            std::min(text_at(first + i * shape.size, field).size(), kMaxInputText);
        out.text({reinterpret_cast<const char*>(at), size});
        at += size;
      }
    }
  }
}

void decode_columns(ByteReader& in, Inputs& inputs) {
  for (const SignalColumn& column : inputs.schema->columns) {
    const SignalShape& shape = *column.shape;
    const bool there = in.u8() != 0;
    if (!in.ok()) return;
    inputs.columns.push_back(static_cast<std::byte>(there ? 1 : 0));
    if (!there) continue;
    const std::size_t count = column.per_endpoint ? inputs.candidates.size() : 1;
    const std::size_t begin = inputs.columns.size();
    // One value may stand for many: a small frame must not become a large decision.
    if (begin + count * shape.size > kMaxColumnBytes) return in.refuse();
    inputs.columns.resize(begin + count * shape.size);
    for (const RecordedField& field : shape.fields) {
      if (field.type == Type::text) continue;
      read_field(in, field, inputs.columns.data() + begin, shape.size, count);
    }
    for (std::size_t i = 0; shape.texts && i < count && in.ok(); ++i) {
      for (const RecordedField& field : shape.fields) {
        if (field.type != Type::text) continue;
        const std::string_view text = in.text(kMaxInputText);
        std::memcpy(inputs.columns.data() + begin + i * shape.size + field.offset, &text,
                    sizeof(std::string_view));  // of which only the length counts
        const auto* const bytes = reinterpret_cast<const std::byte*>(text.data());
        inputs.columns.insert(inputs.columns.end(), bytes, bytes + text.size());
      }
    }
  }
}

}  // namespace pointsman
