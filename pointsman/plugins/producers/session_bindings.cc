#include "pointsman/plugins/producers/session_bindings.h"

#include <algorithm>
#include <xxhash.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

constexpr std::size_t kStripes = 32;

}  // namespace

SessionBindings::SessionBindings(std::size_t max_sessions) : seed_(entropy()) {
  for (std::size_t i = 0; i < kStripes; ++i) {
    stripes_.push_back(std::make_unique<Stripe>(std::max<std::size_t>(max_sessions / kStripes, 1)));
  }
}

LruKey SessionBindings::key(std::string_view session) const {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(session.data(), session.size(), seed_);
  return {hash.low64, hash.high64};
}

std::optional<EndpointKey> SessionBindings::find(std::string_view session) const {
  const LruKey hash = key(session);
  const Stripe& mine = stripe(hash);
  const std::lock_guard lock(mine.mutex);
  const Binding* const binding = mine.sessions.find(hash);
  return binding == nullptr ? std::nullopt : std::optional(binding->endpoint);
}

void SessionBindings::served(std::string_view session, EndpointKey endpoint, bool may_move,
                             Clock::time_point now) {
  const LruKey hash = key(session);
  Stripe& mine = stripe(hash);
  const std::lock_guard lock(mine.mutex);
  const Binding* const before = mine.sessions.find(hash);
  if (before != nullptr && before->endpoint != endpoint && !may_move) return;
  mine.sessions.touch(hash) = {.endpoint = endpoint, .served = now, .bound = true};
}

void SessionBindings::expire(Clock::time_point before) {
  for (const auto& mine : stripes_) {
    const std::lock_guard lock(mine->mutex);
    mine->sessions.expire([before](const Binding& b) { return b.served < before; });
  }
}

std::size_t SessionBindings::size() const {
  std::size_t all = 0;
  for (const auto& mine : stripes_) {
    const std::lock_guard lock(mine->mutex);
    all += mine->sessions.size();
  }
  return all;
}

}  // namespace pointsman
