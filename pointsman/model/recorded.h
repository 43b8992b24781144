#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pointsman/base/clock.h"

namespace pointsman {

// How a signal type looks to a decision record. Scheduling must be repeatable from the record
// alone, so every type that stands in Signals says what it consists of, and new plugins are
// recorded without code of their own (docs/decision-record.md). A type is recordable when it is
//   - a number, a bool, an enum, a Clock::time_point or a Clock::duration,
//   - std::string_view (its text is recorded), or
//   - a struct of such members that lists them:
//
//       struct Affinity {
//         EndpointIndex target = 0;
//         double strength = 0;
//         static constexpr auto recorded() {
//           return std::tuple{recorded_as("target", &Affinity::target),
//                             recorded_as("strength", &Affinity::strength)};
//         }
//       };
//
// A member that is not listed (a pointer into the request, say) is for producers and hooks only:
// whoever filters, scores, picks or chooses profiles finds it value-initialised in a replay.
template <typename T>
struct RecordedMember {
  std::string_view name;
  T pointer;
};

template <typename T, typename M>
constexpr RecordedMember<M T::*> recorded_as(std::string_view name, M T::* member) {
  return {name, member};
}

// One number or text inside a signal type.
struct RecordedField {
  enum class Type : std::uint8_t {
    signed_integer,
    unsigned_integer,
    real,  // float or double, by its width
    text,
    boolean,
  };
  std::string name;  // "match"; "outer.inner" inside a struct; empty when the type is one number
  Type type = Type::signed_integer;
  std::uint8_t width = 0;  // bytes; 0 for text
  std::size_t offset = 0;  // in the C++ object

  // The same thing in another build: layout in memory does not count.
  bool same_as(const RecordedField& other) const {
    return name == other.name && type == other.type && width == other.width;
  }
};

// A signal type as memory and as fields.
struct SignalShape {
  std::size_t size = 0;
  std::size_t align = 1;
  bool texts = false;  // some field is text
  std::vector<RecordedField> fields;
  void (*construct)(void* first, std::size_t count) = nullptr;  // value-initialises
};

namespace recorded {

template <typename T>
concept Listed = requires { T::recorded(); };

template <typename T>
concept Text = std::same_as<T, std::string_view>;

template <typename T>
concept Moment = std::same_as<T, Clock::time_point> || std::same_as<T, Clock::duration>;

template <typename T>
concept Single = std::is_arithmetic_v<T> || std::is_enum_v<T> || Text<T> || Moment<T>;

template <typename T>
constexpr RecordedField field_of(std::string name, std::size_t offset) {
  using Type = RecordedField::Type;
  RecordedField field{.name = std::move(name),
                      .type = Type::signed_integer,
                      .width = static_cast<std::uint8_t>(sizeof(T)),
                      .offset = offset};
  if constexpr (Text<T>) {
    field.type = Type::text;
    field.width = 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    field.type = Type::real;
  } else if constexpr (std::same_as<T, bool>) {
    field.type = Type::boolean;
  } else if constexpr (std::is_enum_v<T>) {
    field.type =
        std::is_signed_v<std::underlying_type_t<T>> ? Type::signed_integer : Type::unsigned_integer;
  } else if constexpr (!Moment<T>) {
    field.type = std::is_signed_v<T> ? Type::signed_integer : Type::unsigned_integer;
  }
  return field;
}

template <typename T>
void describe(const std::string& name, std::size_t offset, std::vector<RecordedField>& out) {
  if constexpr (Single<T>) {
    out.push_back(field_of<T>(name, offset));
  } else {
    static_assert(Listed<T>, "a signal type lists its members in recorded(), see model/recorded.h");
    [[maybe_unused]] const T sample{};
    [[maybe_unused]] const auto* const base = reinterpret_cast<const std::byte*>(&sample);
    [[maybe_unused]] const auto add =
        [&]<typename C, typename M>(const RecordedMember<M C::*>& member) {
          const auto at = static_cast<std::size_t>(
              reinterpret_cast<const std::byte*>(&(sample.*member.pointer)) - base);
          const std::string inner(member.name);
          describe<M>(name.empty() ? inner : name + "." + inner, offset + at, out);
        };
    std::apply([&](const auto&... members) { (add(members), ...); }, T::recorded());
  }
}

}  // namespace recorded

// What Signals may hold and a record can keep.
template <typename T>
concept Recordable = (recorded::Single<T> || recorded::Listed<T>) &&
                     std::is_trivially_copyable_v<T> && std::default_initializable<T>;

// The shape of a type. Lives for ever.
template <Recordable T>
const SignalShape& shape_of() {
  static const SignalShape kShape = [] {
    SignalShape shape{.size = sizeof(T), .align = alignof(T)};
    recorded::describe<T>("", 0, shape.fields);
    for (const RecordedField& field : shape.fields) {
      shape.texts = shape.texts || field.type == RecordedField::Type::text;
    }
    shape.construct = [](void* first, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) ::new (static_cast<T*>(first) + i) T();
    };
    return shape;
  }();
  return kShape;
}

}  // namespace pointsman
