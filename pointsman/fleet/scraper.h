#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/model/names.h"
#include "pointsman/stage/datalayer.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

// A source with what reads its pages, as a configuration binds them.
struct ScrapeSource {
  struct Reader {
    TypedName name;
    std::shared_ptr<const Extractor> extractor;
  };

  TypedName name;
  std::shared_ptr<const Source> source;
  std::vector<Reader> readers;
};

// What one extractor made of a page. Valid during the call that brings it.
struct ScrapedPage {
  const PageReading* reading = nullptr;
  const PageReader* reader = nullptr;
  bool news = false;  // the page before had another number of problems, or there was none
};

// How one try to read one page of one endpoint ended.
struct Scrape {
  const Endpoint& endpoint;
  std::size_t source = 0;                // position in the list of sources
  Clock::time_point at{};                // when the answer began
  const Error* failure = nullptr;        // why there is no page; null: there is one
  std::size_t failures = 0;              // tries in a row that failed before this one
  std::span<const ScrapedPage> pages{};  // one per reader
};

// Reads the pages of all endpoints again and again: one request at a time per endpoint and source,
// on a kept connection, at its own moment within the interval. A try that takes longer than the
// deadline is given up; after a failure the next try waits, longer each time. In steady state a
// scrape allocates nothing.
//
// Threading: the loop's thread.
class Scraper {
 public:
  struct Options {
    // Between two tries, unless a source has an interval of its own; at least kMinInterval.
    Clock::duration interval = std::chrono::milliseconds(50);
    Clock::duration deadline = std::chrono::seconds(1);
    Clock::duration longest_wait = std::chrono::seconds(1);  // after failures
    // How servers that speak https are checked, by sources that do not say.
    TlsClientOptions tls = {.verify = false};
  };
  static constexpr Clock::duration kMinInterval = std::chrono::milliseconds(50);

  // Errors: invalid_config, when the certificates of a source cannot be loaded.
  static Result<Scraper> make(Loop& loop, std::vector<ScrapeSource> sources, Options options,
                              std::function<void(const Scrape&)> ended);
  ~Scraper();
  Scraper(Scraper&& other) noexcept;
  Scraper& operator=(Scraper&& other) noexcept;

  // From now on these are read. Those without an address wait until they have one.
  // REQUIRES: not called by `ended`.
  void set_endpoints(const std::vector<Endpoint>& endpoints);

  // Connections made so far.
  std::uint64_t connected() const;

 private:
  struct State;
  explicit Scraper(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace pointsman
