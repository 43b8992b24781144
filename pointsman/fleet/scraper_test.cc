#include "pointsman/fleet/scraper.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/fleet/core_metrics_extractor.h"
#include "pointsman/fleet/metrics_data_source.h"
#include "pointsman/fleet/testing/make_plugin.h"
#include "pointsman/fleet/testing/page_server.h"
#include "pointsman/fleet/testing/vllm_page.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::PageServer;
using Mode = PageServer::Mode;

ScrapeSource source_of(std::string_view parameters = "~") {
  auto source = testing::make_plugin<MetricsDataSource>(parameters);
  auto extractor = testing::make_plugin<CoreMetricsExtractor>("~");
  EXPECT_TRUE(source.has_value() && extractor.has_value());
  return {.name = source->name,
          .source = source->source,
          .readers = {{.name = extractor->name, .extractor = extractor->extractor}}};
}

Endpoint endpoint_at(std::uint16_t port, std::uint32_t key = 0) {
  Endpoint e{.ns = "default",
             .name = "e" + std::to_string(key),
             .address = "127.0.0.1",
             .port = port,
             .key = {key}};
  e.complete();
  return e;
}

// What became of the tries of one endpoint.
struct Tries {
  std::size_t pages = 0;
  std::size_t failures = 0;
  std::size_t in_a_row = 0;
  std::string last_error;
  double waiting = kMissing;
  std::size_t problems = 0;
  Clock::duration age{};          // of the last page when it was told
  std::uint64_t allocations = 0;  // of this thread when the last page was told
  std::uint64_t allocated = 0;    // since the page before
};

class Scraping {
 public:
  explicit Scraping(const Scraper::Options& options = {}, std::string_view parameters = "~")
      : scraper_(make(options, parameters)) {}

  // Reads these from now on.
  void read(const std::vector<Endpoint>& endpoints) { scraper_.set_endpoints(endpoints); }

  const Tries& of(std::uint32_t key = 0) { return tries_[key]; }
  bool wait(const std::function<bool()>& done) { return loop_.run_until(done); }
  bool wait_pages(std::size_t more, std::uint32_t key = 0) {
    const std::size_t enough = tries_[key].pages + more;
    return wait([&] { return tries_[key].pages >= enough; });
  }
  bool wait_failures(std::size_t more, std::uint32_t key = 0) {
    const std::size_t enough = tries_[key].failures + more;
    return wait([&] { return tries_[key].failures >= enough; });
  }
  const Scraper& scraper() const { return scraper_; }

 private:
  Scraper make(const Scraper::Options& options, std::string_view parameters) {
    auto made = Scraper::make(loop_, {source_of(parameters)}, options,
                              [this](const Scrape& scrape) { take(scrape); });
    EXPECT_TRUE(made.has_value());
    return *std::move(made);
  }

  void take(const Scrape& scrape) {
    Tries& tries = tries_[scrape.endpoint.key.value];
    tries.in_a_row = scrape.failures;
    if (scrape.failure != nullptr) {
      ++tries.failures;
      tries.last_error = scrape.failure->message;
      return;
    }
    ++tries.pages;
    const PageReading& reading = *scrape.pages[0].reading;
    tries.waiting = reading.loads[static_cast<std::size_t>(Load::waiting)];
    tries.problems = reading.problems;
    tries.age = Clock::now() - scrape.at;
    tries.allocated =
        testing::allocations() - std::exchange(tries.allocations, testing::allocations());
  }

  std::map<std::uint32_t, Tries> tries_;
  Loop loop_;
  Scraper scraper_;
};

// One endpoint, being read.
struct OneServer {
  explicit OneServer(const Scraper::Options& options = {}) : scraping(options) {
    server.set_page(testing::vllm_page());
    scraping.read({endpoint_at(server.port())});
  }

  PageServer server;
  Scraping scraping;
};

TEST(Scraper, ReadsAPageAgainAndAgainOnOneConnection) {
  OneServer one;
  EXPECT_TRUE(one.scraping.wait_pages(4));
  EXPECT_EQ(one.scraping.of().waiting, 7);
  EXPECT_EQ(one.scraping.of().failures, 0U);
  EXPECT_EQ(one.server.connections(), 1U);
  const std::string request = one.server.last_request();
  EXPECT_TRUE(request.starts_with("GET /metrics HTTP/1.1\r\n")) << request;
  EXPECT_TRUE(request.contains("Host: 127.0.0.1:" + std::to_string(one.server.port()))) << request;
  one.server.set_page("vllm:num_requests_waiting 8\n");
  EXPECT_TRUE(one.scraping.wait([&] { return one.scraping.of().waiting == 8; }));
}

TEST(Scraper, KeepsToItsIntervalAndNeverAsksMoreOften) {
  OneServer one;
  EXPECT_TRUE(one.scraping.wait_pages(2));
  const Clock::time_point began = Clock::now();
  EXPECT_TRUE(one.scraping.wait_pages(5));
  EXPECT_GE(Clock::now() - began, 4 * Scraper::kMinInterval);
}

TEST(Scraper, AllocatesNothingInSteadyState) {
  OneServer one;
  std::size_t pages = 0;
  std::uint64_t allocated = 0;
  EXPECT_TRUE(one.scraping.wait([&] {
    const Tries& tries = one.scraping.of();
    const bool one_more = std::exchange(pages, tries.pages) != tries.pages;
    if (one_more && pages > 5) allocated += tries.allocated;
    return pages >= 15;
  }));
  EXPECT_EQ(allocated, 0U);
}

TEST(Scraper, TakesAClosedConnectionForNoFailure) {
  OneServer one;
  one.server.set(Mode::closing);
  EXPECT_TRUE(one.scraping.wait_pages(3));
  EXPECT_EQ(one.scraping.of().failures, 0U);
  EXPECT_GE(one.server.connections(), 3U);
}

TEST(Scraper, SaysWhyAPageCannotBeRead) {
  OneServer one({.deadline = 200ms, .longest_wait = 50ms});
  const auto error = [&](Mode mode) {
    one.server.set(mode);
    EXPECT_TRUE(one.scraping.wait_failures(2));  // the first may still be of the mode before
    return one.scraping.of().last_error;
  };
  EXPECT_EQ(error(Mode::error), "unexpected status code from default/e0: 500");
  const std::string failed = "failed to fetch data from default/e0: ";
  for (const Mode mode : {Mode::hang, Mode::drip, Mode::garbage, Mode::cut}) {
    EXPECT_TRUE(error(mode).starts_with(failed)) << one.scraping.of().last_error;
  }
  EXPECT_EQ(error(Mode::gzip), "unexpected content encoding from default/e0: gzip");
  one.server.set(Mode::page);
  EXPECT_TRUE(one.scraping.wait_pages(1));
  EXPECT_EQ(one.scraping.of().waiting, 7);
  EXPECT_TRUE(error(Mode::deaf).contains("Connection refused")) << one.scraping.of().last_error;
}

TEST(Scraper, GivesUpOnAPageWithoutEnd) {
  OneServer one;
  one.server.set(Mode::endless);
  EXPECT_TRUE(one.scraping.wait_failures(1));
  // Whichever limit is met first: of time or of bytes.
  const std::string& error = one.scraping.of().last_error;
  EXPECT_TRUE(error == "the page of default/e0 is over a limit" || error.contains("too long"))
      << error;
}

TEST(Scraper, WaitsLongerAfterEachFailure) {
  OneServer one({.longest_wait = 400ms});
  one.server.set(Mode::error);
  EXPECT_TRUE(one.scraping.wait_failures(5));
  EXPECT_EQ(one.scraping.of().in_a_row, 4U);
  const Clock::time_point began = Clock::now();
  EXPECT_TRUE(one.scraping.wait_failures(2));
  EXPECT_GE(Clock::now() - began, 600ms);
}

TEST(Scraper, LetsNobodyWaitForAServerThatIsSlowDeadOrEndless) {
  std::vector<std::unique_ptr<PageServer>> servers;
  std::vector<Endpoint> endpoints;
  for (const Mode mode : {Mode::page, Mode::hang, Mode::drip, Mode::deaf, Mode::garbage,
                          Mode::endless, Mode::error, Mode::cut}) {
    servers.push_back(std::make_unique<PageServer>());
    servers.back()->set_page(testing::vllm_page());
    servers.back()->set(mode);
    endpoints.push_back(
        endpoint_at(servers.back()->port(), static_cast<std::uint32_t>(endpoints.size())));
  }
  Scraping scraping;
  scraping.read(endpoints);
  // All the while the good one is read at its pace: 20 pages take a second.
  const Clock::time_point began = Clock::now();
  EXPECT_TRUE(scraping.wait_pages(20));
  EXPECT_LT(Clock::now() - began, 8s);
  EXPECT_EQ(scraping.of(0).failures, 0U);
  for (std::uint32_t bad = 1; bad < endpoints.size(); ++bad) {
    EXPECT_TRUE(scraping.wait([&] { return scraping.of(bad).failures > 0; })) << bad;
    EXPECT_EQ(scraping.of(bad).pages, 0U) << bad;
  }
}

TEST(Scraper, TellsTheTimeAtWhichThePageWasMade) {
  OneServer one({.deadline = 5s});
  one.server.set_page("vllm:num_requests_waiting 1\n");
  one.server.set(Mode::drip);  // some 130 bytes, one every 5 ms
  EXPECT_TRUE(one.scraping.wait_pages(1));
  EXPECT_GE(one.scraping.of().age, 100ms);
}

TEST(Scraper, FollowsARedirectOnTheSameServerAndRemembersIt) {
  OneServer one;
  one.server.set(Mode::redirect);
  EXPECT_TRUE(one.scraping.wait_pages(3));
  EXPECT_EQ(one.scraping.of().failures, 0U);
  EXPECT_EQ(one.server.requests(), one.scraping.of().pages + 1);
}

TEST(Scraper, StopsReadingWhoHasLeft) {
  OneServer one;
  EXPECT_TRUE(one.scraping.wait_pages(1));
  const PageServer other;
  one.scraping.read({endpoint_at(other.port(), 1)});
  const std::size_t before = one.server.requests();
  EXPECT_TRUE(one.scraping.wait_pages(5, 1));
  EXPECT_LE(one.server.requests(), before + 1);  // one may have been on its way
}

TEST(Scraper, GoesOnWithWhoStays) {
  OneServer one;
  EXPECT_TRUE(one.scraping.wait_pages(1));
  const PageServer other;
  one.scraping.read({endpoint_at(other.port(), 1), endpoint_at(one.server.port())});
  EXPECT_TRUE(one.scraping.wait_pages(2));
  EXPECT_EQ(one.server.connections(), 1U);
}

TEST(Scraper, WaitsForTheAddressOfAHostName) {
  PageServer server;
  server.set_page(testing::vllm_page());
  Scraping scraping;
  Endpoint endpoint{.ns = "default", .name = "e0", .host = "gpu-1", .port = server.port()};
  endpoint.complete();
  scraping.read({endpoint});
  endpoint.address = "127.0.0.1";
  endpoint.complete();
  scraping.read({endpoint});
  EXPECT_TRUE(scraping.wait_pages(1));
  EXPECT_EQ(scraping.of().failures, 0U);
  EXPECT_TRUE(server.last_request().contains("Host: gpu-1:" + std::to_string(server.port())));
}

TEST(Scraper, AsksAtThePortAndPathOfTheSource) {
  PageServer server;
  server.set_page(testing::vllm_page());
  Scraping scraping({}, "{port: " + std::to_string(server.port()) + ", path: \"/stats?x=1\"}");
  scraping.read({endpoint_at(1)});
  EXPECT_TRUE(scraping.wait_pages(1));
  EXPECT_TRUE(server.last_request().starts_with("GET /stats?x=1 HTTP/1.1\r\n"));
}

TEST(Scraper, HasAnIntervalForEverySource) {
  PageServer server;
  server.set_page(testing::vllm_page());
  Scraping scraping({}, "{interval: 300ms}");
  scraping.read({endpoint_at(server.port())});
  EXPECT_TRUE(scraping.wait_pages(2));  // the second comes at a random moment
  const Clock::time_point began = Clock::now();
  EXPECT_TRUE(scraping.wait_pages(2));
  EXPECT_GE(Clock::now() - began, 500ms);
}

TEST(Scraper, CannotBeMadeWithoutItsCertificates) {
  Loop loop;
  const Poll poll{.path = "/metrics", .tls = true, .verify = true, .ca_file = "/nonexistent"};
  struct Fixed final : Source {
    explicit Fixed(Poll with) : how(std::move(with)) {}
    const Poll& poll() const override { return how; }
    Poll how;
  };
  const auto made = Scraper::make(
      loop, {{.name = {"t", "n"}, .source = std::make_shared<Fixed>(poll), .readers = {}}}, {},
      [](const Scrape&) {});
  ASSERT_FALSE(made.has_value());
  EXPECT_TRUE(made.error().message.starts_with("n/t: ")) << made.error().message;
}

}  // namespace
}  // namespace pointsman
