#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/plugins/producers/lru_table.h"

namespace pointsman {

// Where each session went last: bounded, the session used longest ago is forgotten first.
//
// Threading: any thread; short locks, striped by session.
class SessionBindings {
 public:
  static constexpr std::size_t kMaxSessions = 131'072;

  explicit SessionBindings(std::size_t max_sessions = kMaxSessions);

  std::optional<EndpointKey> find(std::string_view session) const;

  // The request of a session goes to `endpoint`. A session without a binding is bound; one bound to
  // this endpoint is refreshed; one bound elsewhere moves only if `may_move`.
  void served(std::string_view session, EndpointKey endpoint, bool may_move, Clock::time_point now);

  // Forgets sessions not served since.
  void expire(Clock::time_point before);
  std::size_t size() const;

 private:
  struct Binding {
    EndpointKey endpoint;
    Clock::time_point served;
    bool bound = false;
  };
  struct Stripe {
    explicit Stripe(std::size_t capacity) : sessions(capacity) {}
    mutable std::mutex mutex;
    LruTable<Binding> sessions;
  };

  LruKey key(std::string_view session) const;
  Stripe& stripe(const LruKey& key) const { return *stripes_[key.high % stripes_.size()]; }

  std::uint64_t seed_;
  std::vector<std::unique_ptr<Stripe>> stripes_;
};

}  // namespace pointsman
