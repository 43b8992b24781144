#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/model/adapter_table.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/model/endpoint_notes.h"
#include "pointsman/model/names.h"

namespace pointsman {

// What a scrape tells of one server, as one number each.
enum class Load : std::uint8_t {
  waiting,     // requests in the server's queue
  running,     // requests it computes
  kv_usage,    // share of its KV cache in use, 0 to 1
  block_size,  // tokens per KV block
  num_blocks,  // KV blocks it has
};
inline constexpr std::size_t kLoads = 5;
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// One load signal of every endpoint, with the moment each value was read.
// A value that was never read is NaN.
struct LoadColumn {
  std::vector<double> value;
  std::vector<Clock::time_point> at;
};

// Which models the endpoints serve, as far as they have told. Immutable, shared by many snapshots.
struct ModelTable {
  struct Model {
    std::string name;
    std::string card;                  // the entry of a server's /v1/models, as JSON; may be empty
    std::vector<std::uint8_t> served;  // one per endpoint
  };
  std::vector<Model> models;        // sorted by name
  std::vector<std::uint8_t> known;  // one per endpoint: whether it has told

  // Nothing when no endpoint has told of it.
  const Model* find(std::string_view name) const;
};

// All endpoints at one instant: identities once, and a column per load signal. Immutable once
// published; copied and republished by fleet/ when a scrape or discovery brings news.
class Fleet {
 public:
  // A fleet without endpoints.
  Fleet();
  // A fleet whose loads have never been read. REQUIRES: keys are distinct.
  explicit Fleet(std::shared_ptr<const std::vector<Endpoint>> endpoints);

  std::size_t size() const { return endpoints_->size(); }
  bool empty() const { return endpoints_->empty(); }
  const std::vector<Endpoint>& endpoints() const { return *endpoints_; }
  const std::shared_ptr<const std::vector<Endpoint>>& identities() const { return endpoints_; }
  const Endpoint& operator[](EndpointIndex e) const { return (*endpoints_)[e]; }
  // What has been worked out of the identities; shared by all fleets that were copied from one.
  EndpointNotes& notes() const { return *notes_; }

  // Where the endpoint stands, or nothing when it has left.
  std::optional<EndpointIndex> find(EndpointKey key) const {
    if (key.slot() >= by_slot_.size()) return std::nullopt;
    const EndpointIndex e = by_slot_[key.slot()];
    if (e >= size() || (*endpoints_)[e].key != key) return std::nullopt;
    return e;
  }

  const LoadColumn& load(Load load) const { return loads_[static_cast<std::size_t>(load)]; }
  void set(EndpointIndex e, Load load, double value, Clock::time_point at);

  // A scraped value that only some pools have, by the text of its data key; nullptr when nobody has
  // told it. There are few of them.
  const LoadColumn* attribute(std::string_view key) const;
  void set_attribute(EndpointIndex e, std::string_view key, double value, Clock::time_point at);
  // All of them, for those who copy or record a fleet.
  struct Attribute {
    std::string key;
    LoadColumn column;
  };
  std::span<const Attribute> attributes() const { return attributes_; }

  // Who has which LoRA adapter, and per endpoint when that was read.
  const AdapterTable& adapters() const { return *adapters_; }
  std::span<const Clock::time_point> adapters_at() const { return adapters_at_; }
  // REQUIRES: one entry per endpoint.
  void set_adapters(std::span<const Adapters> adapters, std::span<const Clock::time_point> at);
  // The adapters of `e` were read again and are the same.
  void set_adapters_at(EndpointIndex e, Clock::time_point at) { adapters_at_[e] = at; }

  // Null when nobody has told. REQUIRES of a table: one entry per endpoint.
  const std::shared_ptr<const ModelTable>& models() const { return models_; }
  void set_models(std::shared_ptr<const ModelTable> models) { models_ = std::move(models); }

  // Whether requests may be sent there: false while a host name has no address.
  bool ready(EndpointIndex e) const { return ready_[e] != 0; }
  void set_ready(EndpointIndex e, bool ready) { ready_[e] = ready ? 1 : 0; }

  // When the endpoint was last read with success; the epoch when never.
  Clock::time_point read_at(EndpointIndex e) const { return read_at_[e]; }
  void set_read_at(EndpointIndex e, Clock::time_point at) { read_at_[e] = at; }

 private:
  std::shared_ptr<const std::vector<Endpoint>> endpoints_;
  std::shared_ptr<EndpointNotes> notes_;
  std::vector<EndpointIndex> by_slot_;
  std::array<LoadColumn, kLoads> loads_;
  std::vector<Attribute> attributes_;
  std::shared_ptr<const AdapterTable> adapters_;
  std::vector<Clock::time_point> adapters_at_;
  std::vector<Clock::time_point> read_at_;
  std::vector<std::uint8_t> ready_;
  std::shared_ptr<const ModelTable> models_;
};

}  // namespace pointsman
