#include "pointsman/fleet/fleet_service.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/temporary_folder.h"
#include "pointsman/fleet/core_metrics_extractor.h"
#include "pointsman/fleet/file_discovery.h"
#include "pointsman/fleet/metrics_data_source.h"
#include "pointsman/fleet/roster.h"
#include "pointsman/fleet/static_endpoints.h"
#include "pointsman/fleet/testing/make_plugin.h"
#include "pointsman/fleet/testing/page_server.h"
#include "pointsman/fleet/testing/vllm_page.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::PageServer;

// A running service and what others see of it.
class Service : public ::testing::Test {
 protected:
  ~Service() override {
    service_.reset();  // which logs
    ::close(nowhere_);
  }

  // Options with the default sources.
  FleetOptions options(std::shared_ptr<Discovery> discovery) {
    const auto source = testing::make_plugin<MetricsDataSource>("~");
    const auto extractor = testing::make_plugin<CoreMetricsExtractor>("~");
    return {.pool = "p",
            .discovery = std::move(discovery),
            .sources = {{.name = source->name,
                         .source = source->source,
                         .readers = {{extractor->name, extractor->extractor}}}},
            .gauge_interval = 10ms};
  }

  void start(FleetOptions with) {
    auto started = FleetService::start(std::move(with), metrics_, log_, [this] { ++ready_; });
    ASSERT_TRUE(started.has_value()) << started.error().message;
    service_ = std::make_unique<FleetService>(*std::move(started));
    reader_ = std::make_unique<Published<Fleet>::Reader>(*service_->fleet());
  }

  // Reads the endpoints at these ports.
  void start_at(const std::vector<std::uint16_t>& ports) {
    std::vector<std::string> urls;
    for (const auto port : ports) urls.push_back("http://127.0.0.1:" + std::to_string(port));
    auto endpoints = parse_endpoint_flags(urls);
    ASSERT_TRUE(endpoints.has_value());
    start(options(std::make_shared<StaticDiscovery>(*std::move(endpoints))));
  }

  const Fleet& fleet() { return *reader_->get(); }
  double waiting(EndpointIndex e = 0) { return fleet().load(Load::waiting).value[e]; }

  // Whether it becomes true; looked at every millisecond.
  bool eventually(const std::function<bool()>& done) {
    Timer again(loop_, [&] { again.arm(1ms); });
    again.arm(1ms);
    return loop_.run_until(done);
  }

  // Whether a line of the exposition begins like this.
  bool exposes(std::string_view line) const {
    return metrics_.expose(false).contains("\n" + std::string(line));
  }

  int nowhere_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Log log_{nowhere_};
  Metrics metrics_;
  Loop loop_;
  int ready_ = 0;
  std::unique_ptr<FleetService> service_;
  std::unique_ptr<Published<Fleet>::Reader> reader_;
};

TEST_F(Service, ShowsTheEndpointsWhenStartReturns) {
  start_at({1, 2});
  EXPECT_EQ(ready_, 1);
  ASSERT_EQ(fleet().size(), 2U);
  EXPECT_EQ(fleet()[0].id, "default/127.0.0.1:1");
  EXPECT_TRUE(fleet().ready(0));
  EXPECT_TRUE(std::isnan(waiting()));
}

TEST_F(Service, ShowsTheLoadOfEveryEndpoint) {
  PageServer a;
  PageServer b;
  a.set_page(testing::vllm_page());
  b.set_page("vllm:num_requests_waiting 2\n");
  start_at({a.port(), b.port()});
  EXPECT_TRUE(eventually([&] { return waiting(0) == 7 && waiting(1) == 2; }));
  EXPECT_EQ(fleet().load(Load::kv_usage).value[0], 0.55);
  EXPECT_TRUE(std::isnan(fleet().load(Load::kv_usage).value[1]));
  EXPECT_EQ(fleet().adapters().active(0).size(), 2U);
  const Clock::time_point before = fleet().load(Load::waiting).at[0];
  EXPECT_TRUE(eventually([&] { return fleet().load(Load::waiting).at[0] > before; }));
  EXPECT_EQ(fleet().read_at(0), fleet().load(Load::waiting).at[0]);
}

TEST_F(Service, ShowsTheModelsThatEndpointsTell) {
  PageServer a;
  PageServer b;
  a.set_page(R"({"data":[{"id":"m1"},{"id":"m2"}]})");
  b.set_page(R"({"data":[{"id":"m2"}]})");
  auto endpoints = parse_endpoint_flags(
      std::vector<std::string>{"http://127.0.0.1:" + std::to_string(a.port()),
                               "http://127.0.0.1:" + std::to_string(b.port())});
  ASSERT_TRUE(endpoints.has_value());
  FleetOptions with = options(std::make_shared<StaticDiscovery>(*std::move(endpoints)));
  with.models.emplace();
  start(std::move(with));
  ASSERT_TRUE(eventually([&] {
    const auto& table = fleet().models();
    return table != nullptr && table->known == std::vector<std::uint8_t>{1, 1};
  }));
  EXPECT_EQ(fleet().models()->find("m1")->served, (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(fleet().models()->find("m2")->served, (std::vector<std::uint8_t>{1, 1}));
}

TEST_F(Service, KeepsTheLastValueAndItsAgeWhenAServerDies) {
  PageServer server;
  server.set_page(testing::vllm_page());
  start_at({server.port()});
  EXPECT_TRUE(eventually([&] { return waiting() == 7; }));
  EXPECT_FALSE(exposes("llm_d_epp_datalayer_poll_errors_total"));
  server.set(PageServer::Mode::error);
  EXPECT_TRUE(
      eventually([&] { return exposes("llm_d_epp_datalayer_poll_errors_total{source_type="); }));
  const Clock::time_point at = fleet().read_at(0);
  const std::size_t asked = server.requests();
  EXPECT_TRUE(eventually([&] { return server.requests() > asked + 1; }));
  EXPECT_EQ(waiting(), 7);
  EXPECT_EQ(fleet().read_at(0), at);
}

TEST_F(Service, CountsPagesThatLackValues) {
  PageServer server;
  server.set_page("vllm:num_requests_waiting 2\n");
  start_at({server.port()});
  EXPECT_TRUE(eventually([&] {
    return exposes(
        "llm_d_epp_datalayer_extract_errors_total{"
        "extractor_type=\"core-metrics-extractor\",source_type=\"metrics-data-source\"}");
  }));
  EXPECT_FALSE(exposes("llm_d_epp_datalayer_poll_errors_total{source_type=\"x\"} 1"));
}

TEST_F(Service, RefreshesTheGaugesOfThePool) {
  PageServer server;
  server.set_page(testing::vllm_page());
  start_at({server.port()});
  EXPECT_TRUE(eventually([&] { return exposes("llm_d_epp_ready_endpoints{name=\"p\"} 1"); }));
  EXPECT_TRUE(exposes("llm_d_epp_average_queue_size{name=\"p\"} 7"));
  EXPECT_TRUE(exposes("llm_d_epp_per_endpoint_queue_size{model_server_endpoint=\"127.0.0.1:"));
}

TEST_F(Service, FollowsTheEndpointsFileWithoutForgettingWhoStays) {
  PageServer a;
  PageServer b;
  a.set_page(testing::vllm_page());
  b.set_page(testing::vllm_page());
  const auto entry = [](std::string_view name, std::uint16_t port) {
    return "- {name: " + std::string(name) + ", address: 127.0.0.1, port: " + std::to_string(port) +
           "}\n";
  };
  const testing::TemporaryFolder folder;
  folder.write("f", "endpoints:\n" + entry("a", a.port()));
  start(options(std::make_shared<FileDiscovery>(
      FileDiscovery::Options{.path = folder.path("f"), .blame = {}, .watcher = {.settle = 1ms}})));
  EXPECT_TRUE(eventually([&] { return waiting() == 7; }));
  const EndpointKey key = fleet()[0].key;

  a.set(PageServer::Mode::hang);
  folder.replace("f", "endpoints:\n" + entry("b", b.port()) + entry("a", a.port()));
  EXPECT_TRUE(eventually([&] { return fleet().size() == 2; }));
  EXPECT_EQ(fleet()[1].key, key);
  EXPECT_EQ(waiting(1), 7);
  EXPECT_TRUE(eventually([&] { return waiting(0) == 7; }));

  folder.replace("f", "endpoints:\n" + entry("b", b.port()));
  EXPECT_TRUE(eventually([&] { return fleet().size() == 1; }));
  EXPECT_EQ(fleet().find(key), std::nullopt);
}

TEST_F(Service, TakesEndpointsFromElsewhere) {
  PageServer a;
  PageServer b;
  a.set_page(testing::vllm_page());
  b.set_page(testing::vllm_page());
  const auto file = [](const testing::TemporaryFolder& folder,
                       const std::vector<std::uint16_t>& ports) {
    std::string text = "endpoints:\n";
    for (const auto port : ports) {
      text += "- {name: at-" + std::to_string(port) +
              ", address: 127.0.0.1, port: " + std::to_string(port) + "}\n";
    }
    folder.replace("f", text);
    return std::make_shared<FileDiscovery>(
        FileDiscovery::Options{.path = folder.path("f"), .blame = {}, .watcher = {.settle = 1ms}});
  };
  const testing::TemporaryFolder old_folder;
  const testing::TemporaryFolder folder;
  start(options(file(old_folder, {a.port()})));
  EXPECT_TRUE(eventually([&] { return waiting() == 7; }));
  const EndpointKey key = fleet()[0].key;

  ASSERT_TRUE(service_->set_discovery(file(folder, {a.port(), b.port()})));
  ASSERT_EQ(fleet().size(), 2U);
  EXPECT_EQ(fleet()[0].key, key);  // who stays is not forgotten
  EXPECT_EQ(waiting(), 7);
  EXPECT_TRUE(eventually([&] { return waiting(1) == 7; }));

  // The old place says nothing any more, the new one does.
  (void)file(old_folder, {});
  (void)file(folder, {b.port()});
  EXPECT_TRUE(eventually([&] { return fleet().size() == 1; }));

  // What cannot be had changes nothing.
  EXPECT_FALSE(service_->set_discovery(
      std::make_shared<FileDiscovery>(FileDiscovery::Options{.path = "/nowhere", .blame = {}})));
  EXPECT_FALSE(service_->set_discovery(
      std::make_shared<StaticDiscovery>(std::vector<Endpoint>(Roster::kMaxEndpoints + 1))));
  EXPECT_EQ(fleet().size(), 1U);
  (void)file(folder, {a.port(), b.port()});
  EXPECT_TRUE(eventually([&] { return fleet().size() == 2; }));
}

TEST_F(Service, HoldsHostNamesBackUntilTheyHaveAnAddress) {
  PageServer server;
  server.set_page(testing::vllm_page());
  auto endpoints =
      parse_endpoint_flags(std::vector{"http://gpu-1:" + std::to_string(server.port())});
  ASSERT_TRUE(endpoints.has_value());
  FleetOptions with = options(std::make_shared<StaticDiscovery>(*std::move(endpoints)));
  std::atomic<bool> known = false;
  with.host_names = {.retry = 1ms, .look_up = [&](const std::string&, HostNames::Answer answer) {
                       if (!known) return answer(fail(Code::io, "no such host"));
                       answer(std::vector{*Address::parse("127.0.0.1", 0)});
                     }};
  start(std::move(with));
  EXPECT_FALSE(fleet().ready(0));
  const EndpointKey key = fleet()[0].key;
  known = true;
  EXPECT_TRUE(eventually([&] { return fleet().ready(0) && waiting() == 7; }));
  EXPECT_EQ(fleet()[0].key, key);
  EXPECT_EQ(fleet()[0].host_port, "127.0.0.1:" + std::to_string(server.port()));
}

TEST_F(Service, DoesNotStartWhenTheFirstEndpointsCannotBeHad) {
  const auto started =
      FleetService::start(options(std::make_shared<FileDiscovery>(FileDiscovery::Options{
                              .path = "/nonexistent", .blame = "b: ", .watcher = {}})),
                          metrics_, log_, [this] { ++ready_; });
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().message, "b: open /nonexistent: no such file or directory");
  EXPECT_EQ(ready_, 0);
}

TEST_F(Service, DoesNotStartWithMoreEndpointsThanItHasRoomFor) {
  std::vector<Endpoint> many(Roster::kMaxEndpoints + 1);
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i] = {.name = std::to_string(i), .address = "127.0.0.1", .port = 1};
    many[i].complete();
  }
  const auto started = FleetService::start(
      options(std::make_shared<StaticDiscovery>(std::move(many))), metrics_, log_);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().message, "16385 endpoints, more than 16384");
}

TEST_F(Service, LeavesTheLastSnapshotWhenItStops) {
  PageServer server;
  server.set_page(testing::vllm_page());
  start_at({server.port()});
  EXPECT_TRUE(eventually([&] { return waiting() == 7; }));
  const auto published = service_->fleet();
  service_->stop();
  service_->stop();
  EXPECT_EQ(waiting(), 7);
  service_.reset();
  EXPECT_EQ(waiting(), 7);
  EXPECT_TRUE(exposes("llm_d_epp_per_endpoint_queue_size{"));
}

}  // namespace
}  // namespace pointsman
