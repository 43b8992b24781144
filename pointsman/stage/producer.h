#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/model/decision.h"
#include "pointsman/stage/answer.h"
#include "pointsman/stage/context.h"
#include "pointsman/stage/header_edits.h"
#include "pointsman/stage/wakeup.h"

namespace pointsman {

// Finds something out about a request and every candidate before scheduling. Whatever has state is
// read here, once per decision, into the signals; scorers only see those.
class Producer {
 public:
  virtual ~Producer() = default;

  // Writes the columns and cells it declared. An error is logged and the request goes on without
  // the signal. `candidates`: the endpoints in question; columns span the whole fleet.
  // Threading: called concurrently. Must not block.
  virtual Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                               Signals& signals) const = 0;
};

// A producer that has to wait before it can tell: for other requests, or for another process. It is
// asked in its turn among the producers, and produce() runs once it has answered.
class Preparer {
 public:
  virtual ~Preparer() = default;

  // Begins to find out; whether the request has to wait, until `wakeup` rings. What is found out
  // lives outside of the request until produce() takes it; `wakeup` may hold it. An error counts
  // as one of produce(), which is not called then.
  // Threading: called concurrently. Must not block. `context` ends with the call.
  virtual Result<bool> prepare(const Context& context, std::span<const EndpointIndex> candidates,
                               Signals& signals, const std::shared_ptr<Wakeup>& wakeup) = 0;

  // The longest time that a request waits; then it goes on without the signal.
  virtual Clock::duration patience() const { return std::chrono::milliseconds(400); }
};

// What a plugin hands out for metrics with what it learns: a histogram's observation, a counter's
// or gauge's change. The pipeline gives it to the family of that name, labelled with the plugin's
// name and type and, where the family has such labels, the endpoint, the request's fairness id and
// priority, and `kind`. What does not fit is dropped.
class Samples {
 public:
  struct Sample {
    std::string_view family;  // without the metrics prefix; a literal
    double value = 0.0;
    EndpointIndex endpoint = kNoEndpoint;
    std::string_view kind;  // a literal, or a text that lives as long as the plugin
  };

  void add(std::string_view family, double value, EndpointIndex endpoint = kNoEndpoint,
           std::string_view kind = {}) {
    if (used_ < samples_.size()) samples_[used_++] = {family, value, endpoint, kind};
  }
  std::span<const Sample> all() const { return std::span(samples_).first(used_); }

 private:
  std::array<Sample, 32> samples_;
  std::size_t used_ = 0;
};

// What a hook may bring about besides changing its own state.
struct Effects {
  Samples& samples;
  HeaderEdits& headers;               // of the message at hand
  ProxyMetadata* metadata = nullptr;  // of an answer; null before there is one
};

// Learns that a request is sent. State is changed in hooks and nowhere else.
class Hook {
 public:
  virtual ~Hook() = default;

  // The decision stands and the request is about to be sent; effects.headers go with it. An error
  // of one hook keeps it from being sent, once all hooks have run.
  // Threading: called concurrently. Must not block.
  virtual Result<void> dispatched(const Context& context, const Decision& decision,
                                  Effects& effects) = 0;
};

// Learns what became of a request. The context is that of the decision, but for `now`. Nothing is
// called for a request whose dispatched() hooks have not run.
// Threading: called concurrently. Must not block.
class ResponseHook {
 public:
  virtual ~ResponseHook() = default;

  // The response's head has come, with any status; effects.headers go to the client with it.
  virtual void answered(const Context& /*context*/, const Decision& /*decision*/,
                        const Answer& /*answer*/, Effects& /*effects*/) {}
  // The first bytes of its body have come. Headers can no longer be changed.
  virtual void first_bytes(const Context& /*context*/, const Decision& /*decision*/,
                           const Answer& /*answer*/, Effects& /*effects*/) {}
  // The request is over, however it ended. Comes exactly once.
  virtual void finished(const Context& /*context*/, const Decision& /*decision*/,
                        const Answer& /*answer*/, Effects& /*effects*/) {}
};

// Work that a plugin wants done now and then off the request path.
class Upkeep {
 public:
  virtual ~Upkeep() = default;

  // Called about every second. Threading: one thread at a time, beside requests.
  virtual void tend(const Fleet& fleet) = 0;
};

// One value of a gauge family: which, by its name without the metrics prefix, and its labels
// besides the plugin's type and name.
struct GaugeReading {
  std::string_view family;  // a literal
  std::vector<std::string> labels;
  double value = 0.0;
};

// Numbers that a plugin exposes as gauges. A series that is not told is not there.
class Gauged {
 public:
  virtual ~Gauged() = default;

  // Called at every scrape of this router's metrics. Threading: any thread, beside requests.
  virtual void gauges(const Fleet& fleet, std::vector<GaugeReading>& out) const = 0;
};

}  // namespace pointsman
