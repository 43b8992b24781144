#pragma once

// Internal to the scraper: one page of one endpoint.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/random.h"
#include "pointsman/fleet/scraper.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

// What all targets of a scraper share.
struct ScrapeContext {
  Loop& loop;
  HttpClient& client;
  Scraper::Options options;
  Random random;
  std::function<void(const Scrape&)> ended;
};

// Reads one page of one endpoint until it is destroyed. Threading: the loop's thread.
class ScrapeTarget final : public HttpSink {
 public:
  // `source` and `context` outlive this. `tls` is for endpoints that are read with https.
  ScrapeTarget(ScrapeContext& context, const ScrapeSource& source, std::size_t source_index,
               std::shared_ptr<TlsContext> tls, const Endpoint& endpoint);

  void on_head(const ResponseHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_end() override;
  void on_failure(HttpFailure failure) override;

 private:
  void begin();
  void ask();
  bool follow(const ResponseHead& head);
  void give_up(const Error& error);
  void wait_after_success();
  void wait_after_failure();
  void arm(Clock::time_point at);

  ScrapeContext* context_;
  std::size_t source_;
  Endpoint endpoint_;
  std::string path_;  // that of the configuration
  Clock::duration period_{};
  HttpTarget target_;
  RequestHead request_;  // its path follows redirects

  std::vector<std::unique_ptr<PageReader>> readers_;
  std::vector<ScrapedPage> pages_;
  std::vector<std::size_t> problems_;  // of the page before, per reader

  Timer timer_;
  HttpCall call_;
  Clock::time_point due_{};
  Clock::time_point began_{};
  Clock::time_point answered_{};
  std::size_t bytes_ = 0;
  std::size_t failures_ = 0;  // in a row
  int detours_ = 0;           // redirects and repetitions of this try
  bool first_ = true;
};

}  // namespace pointsman
