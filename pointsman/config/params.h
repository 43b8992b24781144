#pragma once

// Parameters are declared once, beside what they configure: a struct with defaults and a table of
// {YAML name, member, bounds, help}. Reading, checking and documentation come from that table:
//
//   struct QueueParams {
//     int saturation = 128;
//     std::chrono::nanoseconds timeout = std::chrono::seconds(5);
//
//     static constexpr auto fields() {
//       using P = QueueParams;
//       return std::tuple{
//           field("saturation", &P::saturation, Between{1, 100'000}, "Waiting requests that ..."),
//           field("timeout", &P::timeout, "How long to wait."),
//       };
//     }
//     // Optional: a rule across fields.
//     static Result<void> check(const QueueParams& params);
//   };
//
// A member may be bool, int, int64_t, double, std::string, std::chrono::nanoseconds (written as
// "300ms"), an enum with a table of names, another such struct, Node (anything), and a
// std::vector, std::optional or std::map<std::string, ...> of these.

#include <array>
#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/config/params_codec.h"
#include "pointsman/config/params_containers.h"

namespace pointsman {

// A `parameters:` value. The document that owns the node outlives the block.
struct Block {
  std::string path = "parameters";  // where it stands, such as plugins[0].parameters
  const Node* node = nullptr;       // null: not written
};

// Inclusive bounds of a number or duration.
template <typename Low, typename High>
struct Between {
  Low low;
  High high;
};
template <typename T>
struct AtLeast {
  T low;
};

template <typename Owner, typename T>
consteval Field<Owner, T, Bounds> field(std::string_view name, T Owner::* member,
                                        std::string_view help) {
  return {name, member, Bounds{}, help};
}
template <typename Owner, typename T, typename L, typename H>
consteval Field<Owner, T, Bounds> field(std::string_view name, T Owner::* member,
                                        Between<L, H> range, std::string_view help) {
  return {name, member, Bounds{.low = as_bound(range.low), .high = as_bound(range.high)}, help};
}
template <typename Owner, typename T, typename V>
consteval Field<Owner, T, Bounds> field(std::string_view name, T Owner::* member, AtLeast<V> range,
                                        std::string_view help) {
  return {name, member, Bounds{.low = as_bound(range.low)}, help};
}
// An enum. `names` is a constant with static lifetime.
template <typename Owner, typename T, typename E, std::size_t N>
consteval Field<Owner, T, Names<E>> field(std::string_view name, T Owner::* member,
                                          const std::array<Named<E>, N>& names,
                                          std::string_view help) {
  return {name, member, Names<E>(names), help};
}

// Defaults, then the block's values, each checked, then the rule across fields. An absent or null
// block gives the defaults. Every problem is appended to `all`; the result holds the first.
// Errors: invalid_config, worded like Go's JSON decoder: `json: unknown field "blockSiz"`,
// `json: cannot unmarshal string into Go struct field parameters.blockSize of type int`; bounds
// as `plugins[0].parameters.blockSize: must be between 1 and 10`.
//
// parse() is decode(), which reads and checks each field, and then check_rule().
template <Params P>
Result<P> decode(const Block& block, Diagnostics& all) {
  P out;
  if (block.node != nullptr) {
    Reader reader(block.path);
    with_slots(out, [&](std::span<const Slot> slots) { reader.object(*block.node, slots); });
    const Diagnostics& problems = reader.problems();
    all.insert(all.end(), problems.begin(), problems.end());
    if (!problems.empty()) return fail(Code::invalid_config, problems.front().text);
  }
  return out;
}

template <Params P>
Result<void> check_rule(const Block& block, const P& params, Diagnostics& all) {
  if constexpr (requires { P::check(params); }) {
    if (const Result<void> rule = P::check(params); !rule) {
      all.push_back(across_fields(block.path, block.node, rule.error().message));
      return std::unexpected(rule.error());
    }
  }
  return {};
}

template <Params P>
Result<P> parse(const Block& block, Diagnostics& all) {
  Result<P> out = decode<P>(block, all);
  if (!out) return out;
  if (auto kept = check_rule(block, *out, all); !kept) return std::unexpected(kept.error());
  return out;
}

template <Params P>
Result<P> parse(const Block& block) {
  Diagnostics all;
  return parse<P>(block, all);
}

// The table of fields for documentation and schema, with the defaults of `P{}`.
template <Params P>
std::vector<FieldDoc> describe() {
  P defaults;
  std::vector<FieldDoc> docs;
  with_slots(defaults, [&](std::span<const Slot> slots) { docs = describe(slots); });
  return docs;
}

}  // namespace pointsman
