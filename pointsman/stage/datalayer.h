#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// Roles of the data layer. fleet/ implements them and runs what they describe.

// How one page of every endpoint is asked for, again and again.
struct Poll {
  std::string path;              // request target, begins with '/'
  std::uint16_t port = 0;        // 0: that of the endpoint's metrics_host
  std::optional<bool> tls;       // absent: as the endpoint itself
  std::optional<bool> verify;    // check the server's certificate; absent: as the router says
  std::string ca_file;           // PEM; empty: the system's
  std::string certificate_file;  // PEM, with key_file: what to show to the server
  std::string key_file;
  Clock::duration interval{};  // 0: the base interval
};

// Something that is read from every endpoint again and again, such as its metrics page.
class Source {
 public:
  virtual ~Source() = default;

  virtual const Poll& poll() const = 0;
};

// What one page told of one endpoint.
struct PageReading {
  std::array<double, kLoads> loads{};  // by Load; kMissing where the page does not tell
  enum class Adapters : std::uint8_t { not_told, same, changed };
  Adapters adapters = Adapters::not_told;  // same: as in the reader's reading before
  std::size_t problems = 0;                // values looked for and not found, or not readable
  // Further values that the configuration asks for; always the same keys of one reader.
  struct Attribute {
    std::string key;          // the text of the data key
    double value = kMissing;  // kMissing where the page does not tell
  };
  std::vector<Attribute> attributes;
};

// Reads the pages of one endpoint, one after the other: begin(), feed() for every piece, and
// finish() if the page came whole. Keeps its memory.
class PageReader {
 public:
  virtual ~PageReader() = default;

  virtual void begin() = 0;
  // False: the page is over a limit and shall not be read further.
  virtual bool feed(std::string_view piece) = 0;
  virtual const PageReading& finish() = 0;

  // The adapters, when the last reading said that they are known.
  virtual const Adapters& adapters() const = 0;
  // The problems of the last reading in words; made when asked for.
  virtual std::string problem() const = 0;
};

// Turns what a source read into load signals.
class Extractor {
 public:
  virtual ~Extractor() = default;

  // A reader for pages of `endpoint`, whose labels may say what to look for. The extractor need
  // not outlive it.
  virtual std::unique_ptr<PageReader> reader(const Endpoint& endpoint) const = 0;
};

// Where endpoints come from.
class Discovery {
 public:
  // Called from one thread at a time, in the order of events.
  struct Events {
    // The whole set, with `host` or `address`, `port` and identity filled in; keys are not given.
    std::function<void(std::vector<Endpoint>)> found;
    // Something that an operator should know, though the discovery goes on.
    std::function<void(std::string)> problem;
  };

  virtual ~Discovery() = default;

  // Finds the first set, calls found() with it before it returns, and from a thread of its own
  // whenever the set has changed. An error: the first set cannot be had, and nothing was started.
  virtual Result<void> start(Events events) = 0;
  // No event is delivered after it returns.
  virtual void stop() = 0;
};

}  // namespace pointsman
