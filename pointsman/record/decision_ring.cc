#include "pointsman/record/decision_ring.h"

#include <algorithm>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {

DecisionRing::DecisionRing(std::size_t capacity) : ring_(capacity) {
  if (capacity == 0) bug("a ring needs room");
}

std::shared_ptr<Decision> DecisionRing::fresh() {
  std::shared_ptr<Decision> decision;
  {
    const std::lock_guard lock(mutex_);
    // One that its request still holds cannot be used again yet. use_count() alone orders nothing:
    // the copy does, an atomic change of the count after the last holder's, so that what it read
    // comes before what is written next.
    if (!spare_.empty() && spare_.back().use_count() == 1) {
      decision = spare_.back();
      spare_.pop_back();
    }
  }
  if (decision == nullptr) decision = std::make_shared<Decision>();
  decision->reset();
  decision->id = next_decision_id();
  return decision;
}

void DecisionRing::attach(DecisionSink& sink) {
  sinks_.push_back(&sink);
  wants_inputs_ = wants_inputs_ || sink.wants_inputs();
}

void DecisionRing::give_back(std::vector<std::shared_ptr<Decision>>& held) {
  const std::lock_guard lock(mutex_);
  held.clear();
}

void DecisionRing::keep(const std::shared_ptr<Decision>& decision) {
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Decision>& slot = ring_[kept_++ % ring_.size()];
    std::shared_ptr<Decision> old = std::exchange(slot, decision);
    constexpr std::size_t kSpares = 64;
    if (old != nullptr && spare_.size() < kSpares) spare_.insert(spare_.begin(), std::move(old));
  }
  for (DecisionSink* const sink : sinks_) sink->kept(decision);
  // A request that was refused has come to its end already.
  const Outcome& outcome = decision->outcome;
  if (outcome.end == Outcome::End::pending) return;
  for (DecisionSink* const sink : sinks_) sink->ended(decision, outcome);
}

void DecisionRing::join(const std::shared_ptr<Decision>& decision, const Outcome& outcome) {
  {
    const std::lock_guard lock(mutex_);
    decision->outcome = outcome;
  }
  if (outcome.end == Outcome::End::pending) return;  // another attempt follows
  for (DecisionSink* const sink : sinks_) sink->ended(decision, outcome);
}

std::vector<DecisionRing::Kept> DecisionRing::newest(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t there = std::min<std::uint64_t>(kept_, ring_.size());
  std::vector<Kept> out;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(limit, there); ++i) {
    const auto& decision = ring_[(kept_ - 1 - i) % ring_.size()];
    out.push_back({decision, decision->outcome});
  }
  return out;
}

std::optional<DecisionRing::Kept> DecisionRing::find(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& decision : ring_) {
    if (decision != nullptr && decision->id == id) return Kept{decision, decision->outcome};
  }
  return std::nullopt;
}

std::uint64_t DecisionRing::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

}  // namespace pointsman
