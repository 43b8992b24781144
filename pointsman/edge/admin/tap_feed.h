#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string_view>

#include "pointsman/record/decision_filter.h"
#include "pointsman/record/tap_hub.h"
#include "pointsman/wire/http_server.h"

namespace pointsman {

// GET /tap?where=EXPR: decisions as they end, as server-sent events whose data is one JSON object.
// A reader that does not keep up loses events; `event: lost` tells how many.
//
// Threading: its loop's thread.
class TapFeed {
 public:
  static constexpr std::size_t kMaxReaders = 16;

  // `hub` outlives it.
  TapFeed(Loop& loop, TapHub& hub);
  ~TapFeed();
  TapFeed(const TapFeed&) = delete;
  TapFeed& operator=(const TapFeed&) = delete;

  // Answers the request: 400 when EXPR is wrong, 503 when there are too many readers already.
  void serve(std::unique_ptr<HttpExchange> exchange);

 private:
  struct Reader {
    std::unique_ptr<HttpExchange> exchange;
    DecisionFilter filter;
    bool full = false;       // its buffer is over the mark
    std::uint64_t lost = 0;  // not told yet
  };

  void pump();
  void show(const Decision& decision, const Outcome& outcome);
  void writable(Reader& reader);
  void forget(const Reader& reader);

  Loop& loop_;
  TapHub& hub_;
  std::list<Reader> readers_;
  std::shared_ptr<TapFeed*> self_;  // for tasks that come after the end: then it holds null
};

}  // namespace pointsman
