#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/model/decision.h"
#include "pointsman/stage/context.h"

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

// Histogram samples that a plugin hands out with what it learns. The pipeline gives them to the
// family of that name, labelled with the plugin's name and type; what does not fit is dropped.
class Samples {
 public:
  struct Sample {
    std::string_view family;  // without the metrics prefix; a literal
    double value = 0.0;
  };

  void add(std::string_view family, double value) {
    if (used_ < samples_.size()) samples_[used_++] = {family, value};
  }
  std::span<const Sample> all() const { return std::span(samples_).first(used_); }

 private:
  std::array<Sample, 8> samples_;
  std::size_t used_ = 0;
};

// Learns what became of a request. State is changed here and nowhere else.
class Hook {
 public:
  virtual ~Hook() = default;

  // The decision stands and the request is about to be sent.
  // Threading: called concurrently.
  virtual void dispatched(const Context& context, const Decision& decision, Samples& samples) = 0;
};

// Work that a plugin wants done now and then off the request path.
class Upkeep {
 public:
  virtual ~Upkeep() = default;

  // Called about every second. Threading: one thread at a time, beside requests.
  virtual void tend(const Fleet& fleet) = 0;
};

// One number a plugin exposes as a gauge: name without prefix, labels are the plugin's.
class Gauged {
 public:
  virtual ~Gauged() = default;

  virtual std::string_view gauge_name() const = 0;
  virtual double gauge() const = 0;
};

}  // namespace pointsman
