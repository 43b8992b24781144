#include "pointsman/fleet/file_discovery.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/temporary_folder.h"
#include "pointsman/fleet/testing/make_plugin.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Lines = std::vector<std::string>;

// Collects what a discovery tells, and lets the test wait for the next event.
class Told {
 public:
  Discovery::Events events() {
    return {.found =
                [this](const std::vector<Endpoint>& endpoints) {
                  Lines ids;
                  for (const Endpoint& e : endpoints) ids.push_back(e.id + " " + e.host_port);
                  add(found_, std::move(ids));
                },
            .problem = [this](std::string text) { add(problems_, std::move(text)); }};
  }

  Lines found() { return next(found_, found_read_); }
  std::string problem() { return next(problems_, problems_read_); }

 private:
  template <typename T>
  void add(std::vector<T>& list, T value) {
    const std::lock_guard lock(mutex_);
    list.push_back(std::move(value));
    wake_.notify_all();
  }
  template <typename T>
  T next(std::vector<T>& list, std::size_t& read) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait_for(lock, 10s, [&] { return list.size() > read; })) {
      ADD_FAILURE() << "nothing was told";
      return {};
    }
    return list[read++];
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Lines> found_;
  std::size_t found_read_ = 0;
  std::vector<std::string> problems_;
  std::size_t problems_read_ = 0;
};

constexpr auto kOne = "endpoints: [{name: ep1, namespace: ns1, address: 10.0.0.1, port: \"80\"}]";
constexpr auto kTwo =
    "endpoints:\n"
    "- {name: ep1, namespace: ns1, address: 10.0.0.1, port: \"80\"}\n"
    "- {name: ep2, address: 10.0.0.2, port: \"80\"}\n";
const Lines kOneFound{"ns1/ep1 10.0.0.1:80"};
const Lines kTwoFound{"ns1/ep1 10.0.0.1:80", "default/ep2 10.0.0.2:80"};

struct Watched {
  explicit Watched(const char* text) {
    folder.write("f", text);
    EXPECT_TRUE(discovery.start(told.events()).has_value());
    told.found();
  }

  testing::TemporaryFolder folder;
  Told told;
  FileDiscovery discovery{{.path = folder.path("f"),
                           .rule = HostRule::ipv4,
                           .blame = {},
                           .watcher = {.settle = 1ms, .look_every = 5ms}}};
};

std::string start_error(const std::string& path) {
  Told told;
  FileDiscovery discovery({.path = path, .watch = false, .rule = HostRule::ipv4, .blame = "b: "});
  const auto started = discovery.start(told.events());
  return started ? "none" : started.error().message;
}

TEST(FileDiscovery, FindsTheEndpointsBeforeStartReturns) {
  const testing::TemporaryFolder folder;
  folder.write("f", kTwo);
  Lines found;
  FileDiscovery discovery({.path = folder.path("f"), .watch = false, .blame = {}});
  const auto started = discovery.start({.found =
                                            [&](const std::vector<Endpoint>& endpoints) {
                                              for (const Endpoint& e : endpoints)
                                                found.push_back(e.id + " " + e.host_port);
                                            },
                                        .problem = [](const std::string&) {}});
  EXPECT_TRUE(started.has_value());
  EXPECT_EQ(found, kTwoFound);
}

TEST(FileDiscovery, DoesNotStartWithoutAWhollyGoodFile) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(start_error(folder.path("none")),
            "b: open " + folder.path("none") + ": no such file or directory");
  EXPECT_TRUE(start_error(folder.path("")).starts_with("b: read "));
  folder.write("big", std::string(EndpointsFile::kMaxBytes + 1, ' '));
  EXPECT_EQ(start_error(folder.path("big")),
            "b: endpoints file " + folder.path("big") + " exceeds 1 MiB limit");
  folder.write("bad", "endpoints: [{name: a, address: x, port: \"1\"}, {name: b, port: \"1\"}]");
  EXPECT_EQ(start_error(folder.path("bad")),
            "b: endpoint \"a\": invalid IPv4 address \"x\"\n"
            "endpoint \"b\": invalid IPv4 address \"\"");
  folder.write("type", "endpoints: [{name: yes}]");
  EXPECT_EQ(start_error(folder.path("type")),
            "b: line 1: name must be a string (in quotes), not bool");
}

TEST(FileDiscovery, FollowsTheFile) {
  Watched watched(kOne);
  watched.folder.write("f", kTwo);
  EXPECT_EQ(watched.told.found(), kTwoFound);
  watched.folder.replace("f", kOne);
  EXPECT_EQ(watched.told.found(), kOneFound);
  watched.folder.replace("f", "endpoints: []");
  EXPECT_EQ(watched.told.found(), Lines{});
}

TEST(FileDiscovery, KeepsEverybodyWhileTheFileIsMissingWrongOrEmpty) {
  Watched watched(kOne);
  watched.folder.remove("f");
  EXPECT_EQ(watched.told.problem(),
            "open " + watched.folder.path("f") + ": no such file or directory; all endpoints stay");
  watched.folder.write("f", "endpoints: [{name: a");
  EXPECT_TRUE(watched.told.problem().starts_with("endpoints file " + watched.folder.path("f")));
  watched.folder.write("f", "");
  EXPECT_EQ(watched.told.problem(),
            "endpoints file " + watched.folder.path("f") + " is empty; all endpoints stay");
  watched.folder.write("f", kTwo);
  EXPECT_EQ(watched.told.found(), kTwoFound);
}

TEST(FileDiscovery, KeepsTheLastGoodEntryOfAnIdThatBecomesBad) {
  Watched watched(kTwo);
  watched.folder.replace("f",
                         "endpoints:\n"
                         "- {name: ep2, address: 10.0.0.2, port: \"0\"}\n"
                         "- {name: ep3, address: 10.0.0.3, port: \"80\"}\n"
                         "- {name: ep4, address: ::1, port: \"80\"}\n");
  EXPECT_EQ(watched.told.problem(),
            "endpoint \"ep2\": invalid port \"0\" (it stays as it was)\n"
            "endpoint \"ep4\": invalid IPv4 address \"::1\" (left out)");
  EXPECT_EQ(watched.told.found(), (Lines{"default/ep3 10.0.0.3:80", "default/ep2 10.0.0.2:80"}));
}

TEST(FileDiscovery, IsAPluginWithAPath) {
  EXPECT_EQ(testing::plugin_error<FileDiscovery>("{}"),
            "file-discovery: 'path' parameter is required");
  EXPECT_EQ(testing::plugin_error<FileDiscovery>("{path: /x, watch: true}"),
            "file-discovery: failed to parse parameters: json: unknown field \"watch\"");
  const auto with = testing::make_plugin<FileDiscovery>("{path: /nonexistent, watchFile: yes}");
  ASSERT_TRUE(with.has_value()) << with.error().message;
  ASSERT_NE(with->discovery, nullptr);
  const auto started = with->discovery->start({});
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().message,
            "file-discovery: initial load failed: open /nonexistent: no such file or directory");
}

TEST(FileDiscovery, ShowsItsEndpointsSorted) {
  Watched watched(kOne);
  EXPECT_EQ(watched.discovery.dump(Fleet()),
            R"({"endpoints":["ns1/ep1"],"totalEndpoints":1,"maxEndpoints":100})");
  watched.folder.replace("f", kTwo);
  watched.told.found();
  EXPECT_EQ(watched.discovery.dump(Fleet()),
            R"({"endpoints":["default/ep2","ns1/ep1"],"totalEndpoints":2,"maxEndpoints":100})");
}

}  // namespace
}  // namespace pointsman
