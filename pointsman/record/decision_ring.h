#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "pointsman/base/random.h"
#include "pointsman/record/decision_sink.h"
#include "pointsman/stage/recorder.h"

namespace pointsman {

// The newest decisions, in memory, always on. A decision that falls out of the ring is used again,
// so that in steady state recording allocates nothing.
//
// Threading: any thread. One mutex, held for a few stores on the request's side (docs/adr/0006).
class DecisionRing final : public Recorder {
 public:
  explicit DecisionRing(std::size_t capacity = 512);

  // From now on the sink hears of every decision. REQUIRES: before the first request; it outlives
  // the last one.
  void attach(DecisionSink& sink);
  // Gives decisions back that a sink has held, and empties the list: the lock makes what it read
  // come before what the next request writes there.
  void give_back(std::vector<std::shared_ptr<Decision>>& held);

  bool wants_inputs() const override { return wants_inputs_; }
  std::uint64_t print_salt() const override { return salt_; }
  std::shared_ptr<Decision> fresh() override;
  void keep(const std::shared_ptr<Decision>& decision) override;
  void join(const std::shared_ptr<Decision>& decision, const Outcome& outcome) override;

  // A kept decision as it stood when asked for. Everything but the outcome is immutable by then,
  // so that it can be read at leisure; `outcome` is a copy.
  struct Kept {
    std::shared_ptr<const Decision> decision;
    Outcome outcome;
  };

  // Up to `limit` decisions, newest first.
  std::vector<Kept> newest(std::size_t limit) const;
  // One decision; nothing when it is not there (any more).
  std::optional<Kept> find(std::uint64_t id) const;
  // Decisions kept since the start.
  std::uint64_t kept() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Decision>> ring_;
  std::vector<std::shared_ptr<Decision>> spare_;
  std::uint64_t kept_ = 0;
  std::vector<DecisionSink*> sinks_;
  bool wants_inputs_ = false;
  const std::uint64_t salt_ = entropy();
};

}  // namespace pointsman
