#include "pointsman/record/fleet_frame.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "pointsman/record/bytes.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxEndpoints = 65'536;  // as many as there are slots
constexpr std::size_t kMaxText = 65'536;
constexpr std::size_t kMaxLabels = 1024;
constexpr std::size_t kMaxAdapters = 4096;
constexpr std::size_t kMaxAttributes = 256;

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void write_endpoint(ByteWriter& out, const Endpoint& e) {
  for (const std::string* text :
       {&e.ns, &e.name, &e.pod, &e.host, &e.address, &e.node_address, &e.metrics_host}) {
    out.text(*text);
  }
  out.varint(e.port);
  out.varint(e.labels.size());
  for (const auto& [key, value] : e.labels) {
    out.text(key);
    out.text(value);
  }
  out.zigzag(e.rank);
  out.u8(e.tls ? 1 : 0);
  out.u32(e.key.value);
}

Endpoint read_endpoint(ByteReader& in) {
  Endpoint e;
  for (std::string* text :
       {&e.ns, &e.name, &e.pod, &e.host, &e.address, &e.node_address, &e.metrics_host}) {
    *text = in.text(kMaxText);
  }
  e.port = static_cast<std::uint16_t>(in.below(65'536));
  const std::size_t labels = in.count(kMaxLabels, 2);
  for (std::size_t i = 0; i < labels; ++i) {
    std::string key(in.text(kMaxText));
    e.labels.emplace_back(std::move(key), in.text(kMaxText));
  }
  e.rank = static_cast<int>(in.zigzag());
  e.tls = in.u8() != 0;
  e.key.value = in.u32();
  e.complete();
  return e;
}

// Writes a list of the endpoints for which `changed`, as distances, each followed by what `write`
// adds.
template <typename Changed, typename Write>
void write_changes(ByteWriter& out, std::size_t endpoints, Changed changed, Write write) {
  std::size_t count = 0;
  for (EndpointIndex e = 0; e < endpoints; ++e) count += changed(e) ? 1 : 0;
  out.varint(count);
  EndpointIndex next = 0;
  for (EndpointIndex e = 0; e < endpoints; ++e) {
    if (!changed(e)) continue;
    out.varint(e - next);
    next = e + 1;
    write(e);
  }
}

template <typename Read>
void read_changes(ByteReader& in, std::size_t endpoints, Read read) {
  const std::size_t count = in.count(endpoints);
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t e = next + in.below(endpoints);
    if (e >= endpoints) return in.refuse();
    next = e + 1;
    read(static_cast<EndpointIndex>(e));
  }
}

Adapters adapters_of(const AdapterTable& table, EndpointIndex e) {
  Adapters all{.room = table.room(e)};
  for (const std::uint32_t id : table.active(e)) all.active.push_back(table.name(id));
  for (const std::uint32_t id : table.waiting(e)) all.waiting.push_back(table.name(id));
  return all;
}

bool same_names(const AdapterTable& a, std::span<const std::uint32_t> x, const AdapterTable& b,
                std::span<const std::uint32_t> y) {
  return std::ranges::equal(
      x, y, [&](std::uint32_t i, std::uint32_t j) { return a.name(i) == b.name(j); });
}

bool same_adapters(const AdapterTable& a, const AdapterTable& b, EndpointIndex e) {
  if (&a == &b) return true;
  return a.room(e) == b.room(e) && same_names(a, a.active(e), b, b.active(e)) &&
         same_names(a, a.waiting(e), b, b.waiting(e));
}

void write_adapters(ByteWriter& out, const Fleet& fleet, const Fleet& base) {
  const std::size_t n = fleet.size();
  write_changes(
      out, n,
      [&](EndpointIndex e) {
        return fleet.adapters_at()[e] != base.adapters_at()[e] ||
               !same_adapters(fleet.adapters(), base.adapters(), e);
      },
      [&](EndpointIndex e) {
        out.distance(fleet.adapters_at()[e], base.adapters_at()[e]);
        const bool same = same_adapters(fleet.adapters(), base.adapters(), e);
        out.u8(same ? 1 : 0);
        if (same) return;
        const Adapters all = adapters_of(fleet.adapters(), e);
        out.varint(all.room);
        for (const auto* names : {&all.active, &all.waiting}) {
          out.varint(names->size());
          for (const std::string& name : *names) out.text(name);
        }
      });
}

void read_adapters(ByteReader& in, Fleet& fleet) {
  std::vector<Adapters> all;
  std::vector<Clock::time_point> at(fleet.adapters_at().begin(), fleet.adapters_at().end());
  read_changes(in, fleet.size(), [&](EndpointIndex e) {
    at[e] = in.moment(at[e]);
    if (in.u8() != 0) return;
    if (all.empty()) {
      for (EndpointIndex i = 0; i < fleet.size(); ++i) {
        all.push_back(adapters_of(fleet.adapters(), i));
      }
    }
    all[e] = {.room = static_cast<std::uint32_t>(in.below(1ULL << 32U))};
    for (auto* names : {&all[e].active, &all[e].waiting}) {
      const std::size_t count = in.count(kMaxAdapters);
      for (std::size_t i = 0; i < count; ++i) names->emplace_back(in.text(kMaxText));
    }
  });
  if (!in.ok()) return;
  if (!all.empty()) return fleet.set_adapters(all, at);
  for (EndpointIndex e = 0; e < fleet.size(); ++e) fleet.set_adapters_at(e, at[e]);
}

std::shared_ptr<const std::vector<Endpoint>> read_identities(ByteReader& in) {
  auto endpoints = std::make_shared<std::vector<Endpoint>>();
  const std::size_t n = in.count(kMaxEndpoints, 16);
  std::vector<bool> slots(kMaxEndpoints);
  for (std::size_t i = 0; i < n && in.ok(); ++i) {
    endpoints->push_back(read_endpoint(in));
    if (slots[endpoints->back().key.slot()]) in.refuse();
    slots[endpoints->back().key.slot()] = true;
  }
  return endpoints;
}

void write_column(ByteWriter& out, std::size_t endpoints, const LoadColumn& now,
                  const LoadColumn& then) {
  write_changes(
      out, endpoints,
      [&](EndpointIndex e) {
        return now.at[e] != then.at[e] || !same_bits(now.value[e], then.value[e]);
      },
      [&](EndpointIndex e) {
        out.distance(now.at[e], then.at[e]);
        const bool same = same_bits(now.value[e], then.value[e]);
        out.u8(same ? 1 : 0);
        if (!same) out.f64(now.value[e]);
      });
}

// Reads the changes of one column; `set(e, value, at)` applies one.
template <typename Set>
void read_column(ByteReader& in, std::size_t endpoints, const LoadColumn& then, Set set) {
  read_changes(in, endpoints, [&](EndpointIndex e) {
    const Clock::time_point at = in.moment(then.at[e]);
    const double value = in.u8() != 0 ? then.value[e] : in.f64();
    set(e, value, at);
  });
}

LoadColumn blank_column(std::size_t endpoints) {
  return {.value = std::vector<double>(endpoints, kMissing),
          .at = std::vector<Clock::time_point>(endpoints)};
}

// All attributes by their keys: they differ from pool to pool, and may come and go.
void write_attributes(ByteWriter& out, const Fleet& fleet, const Fleet& base) {
  out.varint(fleet.attributes().size());
  const LoadColumn blank = blank_column(fleet.size());
  for (const Fleet::Attribute& attribute : fleet.attributes()) {
    out.text(attribute.key);
    const LoadColumn* const then = base.attribute(attribute.key);
    write_column(out, fleet.size(), attribute.column, then == nullptr ? blank : *then);
  }
}

void read_attributes(ByteReader& in, Fleet& fleet) {
  const LoadColumn blank = blank_column(fleet.size());
  for (std::size_t left = in.count(kMaxAttributes); left > 0 && in.ok(); --left) {
    const std::string key(in.text(kMaxText));
    const LoadColumn* const known = fleet.attribute(key);
    const LoadColumn then = known == nullptr ? blank : *known;
    if (known == nullptr && !fleet.empty()) fleet.set_attribute(0, key, kMissing, {});
    read_column(in, fleet.size(), then, [&](EndpointIndex e, double value, Clock::time_point at) {
      fleet.set_attribute(e, key, value, at);
    });
  }
}

void write_loads(ByteWriter& out, const Fleet& fleet, const Fleet& base) {
  for (std::size_t l = 0; l < kLoads; ++l) {
    write_column(out, fleet.size(), fleet.load(static_cast<Load>(l)),
                 base.load(static_cast<Load>(l)));
  }
}

void read_loads(ByteReader& in, Fleet& fleet) {
  for (std::size_t l = 0; l < kLoads; ++l) {
    const auto load = static_cast<Load>(l);
    read_column(in, fleet.size(), fleet.load(load),
                [&](EndpointIndex e, double value, Clock::time_point at) {
                  fleet.set(e, load, value, at);
                });
  }
}

}  // namespace

void encode_fleet(const Fleet& fleet, const Fleet* base, std::string& out) {
  ByteWriter writer(out);
  const bool same_endpoints = base != nullptr && base->identities() == fleet.identities();
  writer.u8(same_endpoints ? 1 : 0);
  Fleet blank;
  if (!same_endpoints) {
    writer.varint(fleet.size());
    for (const Endpoint& e : fleet.endpoints()) write_endpoint(writer, e);
    blank = Fleet(fleet.identities());
    base = &blank;
  }
  write_loads(writer, fleet, *base);
  write_attributes(writer, fleet, *base);
  write_adapters(writer, fleet, *base);
  write_changes(
      writer, fleet.size(), [&](EndpointIndex e) { return fleet.read_at(e) != base->read_at(e); },
      [&](EndpointIndex e) { writer.distance(fleet.read_at(e), base->read_at(e)); });
  write_changes(
      writer, fleet.size(), [&](EndpointIndex e) { return fleet.ready(e) != base->ready(e); },
      [](EndpointIndex) {});
}

std::shared_ptr<const Fleet> decode_fleet(std::string_view bytes, const Fleet* base) {
  ByteReader in(bytes);
  const bool same_endpoints = in.u8() != 0;
  if (same_endpoints && base == nullptr) return nullptr;
  std::shared_ptr<Fleet> fleet;
  if (same_endpoints) {
    fleet = std::make_shared<Fleet>(*base);
  } else {
    auto identities = read_identities(in);
    if (!in.ok()) return nullptr;
    fleet = std::make_shared<Fleet>(std::move(identities));
  }
  read_loads(in, *fleet);
  read_attributes(in, *fleet);
  read_adapters(in, *fleet);
  read_changes(in, fleet->size(),
               [&](EndpointIndex e) { fleet->set_read_at(e, in.moment(fleet->read_at(e))); });
  read_changes(in, fleet->size(), [&](EndpointIndex e) { fleet->set_ready(e, !fleet->ready(e)); });
  if (!in.done()) return nullptr;
  return fleet;
}

}  // namespace pointsman
