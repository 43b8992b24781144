#include "pointsman/edge/ext_proc/proxy_metadata.h"

#include <algorithm>

#include "pointsman/base/proto_wire.h"

namespace pointsman {
namespace {

using Entry = ProxyMetadata::Entry;

// Struct.fields = 1: {key = 1, Value = 2}; Value: number_value = 2, struct_value = 5. `Out` is a
// ProtoSizer or a ProtoWriter.
template <typename Out>
void put(Out& out, std::span<const Entry> all) {
  for (auto first = all.begin(); first != all.end(); ++first) {
    const std::string_view space = first->space;
    const auto same = [&](const Entry& each) { return each.space == space; };
    if (std::any_of(all.begin(), first, same)) continue;  // written with an earlier one
    out.message(1, [&](auto& entry) {
      entry.bytes(1, space);
      entry.message(2, [&](auto& value) {
        value.message(5, [&](auto& fields) {
          for (const Entry& each : all) {
            if (!same(each)) continue;
            fields.message(1, [&](auto& field) {
              field.bytes(1, each.key);
              field.message(2, [&](auto& number) { number.number(2, each.value); });
            });
          }
        });
      });
    });
  }
}

}  // namespace

std::string_view encode(const ProxyMetadata& numbers, Arena& arena) {
  if (numbers.all().empty()) return {};
  ProtoSizer sizer;
  put(sizer, numbers.all());
  const auto bytes = arena.array<char>(sizer.size());
  ProtoWriter writer(bytes.data());
  put(writer, numbers.all());
  return {bytes.data(), bytes.size()};
}

}  // namespace pointsman
