#pragma once

// How a member's type chooses its way through Reader. Included by params.h only.

#include <array>
#include <chrono>
#include <concepts>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pointsman/config/params_reader.h"

namespace pointsman {

// A value of an enum with its name in YAML; a std::array of these is the enum's table.
template <typename E>
struct Named {
  std::string_view name;
  E value;
};
template <typename E>
using Names = std::span<const Named<E>>;

template <typename Owner, typename T, typename Rule>
struct Field {
  std::string_view name;
  T Owner::* member;
  Rule rule;
  std::string_view help;
};

template <typename P>
concept Params = std::default_initializable<P> && requires { P::fields(); };

template <typename V>
consteval double as_bound(V value) {
  if constexpr (std::is_arithmetic_v<V>) {
    return static_cast<double>(value);
  } else {
    return static_cast<double>(std::chrono::nanoseconds(value).count());
  }
}

// How Go's messages call a value of the type. Its whole numbers are all `int`, which has 64 bits
// there.
template <typename T>
consteval std::string_view go_type() {
  if constexpr (std::same_as<T, bool>) return "bool";
  if constexpr (std::same_as<T, double>) return "float64";
  if constexpr (std::integral<T>) return "int";
  if constexpr (Params<T> || std::same_as<T, Node>) return "object";
  return "string";
}

template <typename T>
struct Codec;

template <typename T>
void read_erased(Reader& reader, const Node& node, void* target, const void* rule) {
  Codec<T>::read(reader, node, *static_cast<T*>(target), rule);
}
template <typename T>
void describe_erased(const void* target, const void* rule, FieldDoc& doc) {
  Codec<T>::describe(*static_cast<const T*>(target), rule, doc);
}

// Calls `use` with one slot per field of `target`.
template <Params P, typename Use>
void with_slots(P& target, Use use) {
  const auto fields = P::fields();
  const auto slot = [&]<typename O, typename T, typename R>(const Field<O, T, R>& f) {
    return Slot{f.name,  f.help,         static_cast<void*>(&(target.*f.member)),
                &f.rule, read_erased<T>, describe_erased<T>};
  };
  std::apply(
      [&](const auto&... f) {
        const std::array<Slot, sizeof...(f)> slots{slot(f)...};
        use(std::span<const Slot>(slots));
      },
      fields);
}

// Scalars, enums and nested objects. An object with a member `place` learns where it stands.
template <typename T>
struct Codec {
  static void read(Reader& reader, const Node& node, T& out, const void* rule) {
    if constexpr (Params<T>) {
      if constexpr (requires { out.place = node.place(); }) out.place = node.place();
      with_slots(out, [&](std::span<const Slot> slots) { reader.object(node, slots); });
    } else if constexpr (std::is_enum_v<T>) {
      const auto& table = *static_cast<const Names<T>*>(rule);
      if (const auto at = reader.choice(node, words(table))) out = table[*at].value;
    } else {
      reader.value(node, out, *static_cast<const Bounds*>(rule));
    }
  }

  static void describe(const T& value, const void* rule, FieldDoc& doc) {
    if constexpr (Params<T>) {
      doc.type = "object";
      T copy = value;
      with_slots(copy, [&](std::span<const Slot> s) { doc.fields = pointsman::describe(s); });
    } else if constexpr (std::is_enum_v<T>) {
      const auto& table = *static_cast<const Names<T>*>(rule);
      std::size_t at = 0;
      while (at < table.size() && table[at].value != value) ++at;
      describe_choice(at, words(table), doc);
    } else {
      pointsman::describe(value, *static_cast<const Bounds*>(rule), doc);
    }
  }

 private:
  template <typename E>
  static std::vector<std::string_view> words(const Names<E>& table) {
    std::vector<std::string_view> out;
    for (const Named<E>& each : table) out.push_back(each.name);
    return out;
  }
};

}  // namespace pointsman
