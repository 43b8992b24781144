#include "pointsman/telemetry/log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <source_location>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/telemetry/json_text.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/telemetry/process_metrics.h"
#include "pointsman/telemetry/testing/log_pipe.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;

using Pipe = testing::LogPipe;

std::size_t lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Log, WritesOneJsonObjectWithItsFieldsInOrder) {
  const Pipe pipe;
  Log log(pipe.fd());
  const auto here = std::source_location::current();
  Logger(log, "fleet")
      .named("scraper")
      .info(verbosity::kDefault, "polled",
            {{"endpoint", "a:1"}, {"n", 3}, {"ok", true}, {"took", 1500ms}, {"share", 0.25}}, here);
  const std::string text = pipe.text();
  EXPECT_TRUE(text.starts_with(R"({"level":"info","ts":)")) << text;
  const double ts = std::stod(text.substr(21));
  EXPECT_NEAR(ts, static_cast<double>(time(nullptr)), 5);
  EXPECT_EQ(text.substr(text.find(",\"logger\"")),
            R"(,"logger":"fleet.scraper","caller":"telemetry/log_test.cc:)" +
                std::to_string(here.line()) +
                R"(","msg":"polled","endpoint":"a:1","n":3,"ok":true,"took":1.5,"share":0.25})" +
                "\n");
}

TEST(Log, NamesLevelsAndShowsThoseBelowTheThreshold) {
  const Pipe pipe;
  Log log(pipe.fd(), verbosity::kTrace);
  const Logger logger(log);
  const auto level = [&](int at) {
    logger.info(at, "m");
    const std::string text = pipe.text();
    return text.empty() ? std::string() : text.substr(10, text.find('"', 10) - 10);
  };
  EXPECT_EQ(level(0), "info");
  EXPECT_EQ(level(3), "info");
  EXPECT_EQ(level(4), "debug");
  EXPECT_EQ(level(5), "trace");
  EXPECT_EQ(level(6), "");
  log.show(6);
  EXPECT_EQ(level(6), "trace");
  log.show(verbosity::kDefault);
  EXPECT_EQ(level(3), "");
  log.show(verbosity::kInfo);
  logger.warning("w");
  logger.error("e", {{"error", "broken"}});
  const std::string text = pipe.text();
  EXPECT_NE(text.find(R"({"level":"warn")"), std::string::npos);
  EXPECT_NE(text.find(R"("msg":"e","error":"broken"})"), std::string::npos);
  EXPECT_FALSE(logger.shows(1));
}

TEST(Log, ThresholdFollowsTheFlags) {
  const auto threshold = [](std::optional<int> v, std::optional<std::string_view> zap = {}) {
    return log_threshold(v, zap).value_or(-100);
  };
  EXPECT_EQ(threshold({}), 2);
  EXPECT_EQ(threshold(3), 3);
  EXPECT_EQ(threshold(0), 0);
  EXPECT_EQ(threshold(-1), 2);
  EXPECT_EQ(threshold(300), 10);
  EXPECT_EQ(threshold(5, "info"), 0);
  EXPECT_EQ(threshold(5, "DEBUG"), 1);
  EXPECT_EQ(threshold(5, "4"), 4);
  EXPECT_EQ(threshold({}, "error"), -2);
  EXPECT_EQ(threshold({}, "panic"), -3);
  for (const auto* bad : {"", "0", "-1", "loud", "3x"}) EXPECT_EQ(threshold({}, bad), -100) << bad;
}

TEST(Log, SamplesChatterButNeverErrors) {
  const Pipe pipe;
  Log log(pipe.fd());
  const Logger logger(log);
  std::size_t info = 0;
  for (int i = 0; i < 350; ++i) {
    logger.info(0, "chatter");
    info += lines(pipe.text());
  }
  EXPECT_EQ(info + log.sampled(), 350U);
  EXPECT_GE(info, 102U);
  EXPECT_LE(info, 204U);  // the loop may have met the end of a second
  std::size_t errors = 0;
  for (int i = 0; i < 350; ++i) {
    logger.error("broken");
    errors += lines(pipe.text());
  }
  EXPECT_EQ(errors, 350U);
}

TEST(Log, DropsAndCountsInsteadOfWaitingForAStuckReader) {
  const Pipe pipe;
  Log log(pipe.fd());
  const Logger logger(log);
  const std::string filler(1000, 'x');
  for (int i = 0; i < 200; ++i) logger.error("m", {{"filler", filler}});
  EXPECT_GT(log.blocked(), 100U);
  const std::string text = pipe.text();
  EXPECT_EQ(lines(text) + log.blocked(), 200U);
  EXPECT_TRUE(text.ends_with("}\n"));
  logger.error("again");
  EXPECT_EQ(lines(pipe.text()), 1U);
}

TEST(Log, DroppedLinesAreAMetric) {
  const Pipe pipe;
  Log log(pipe.fd());
  Metrics metrics;
  add_log_metrics(metrics, log);
  for (int i = 0; i < 300; ++i) Logger(log).error("m", {{"filler", std::string(1000, 'x')}});
  EXPECT_EQ(metric_value(metrics.expose(), "pointsman_log_lines_dropped_total{reason=\"blocked\"}"),
            static_cast<double>(log.blocked()));
}

TEST(Log, KeepsLinesOfManyThreadsWhole) {
  const Pipe pipe;
  Log log(pipe.fd());
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([logger = Logger(log)] {
        for (int i = 0; i < 50; ++i) logger.error("message");
      });
    }
  }
  const std::string text = pipe.text();
  EXPECT_EQ(lines(text), 200U);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_TRUE(text.substr(at).starts_with(R"({"level":"error")"));
    EXPECT_EQ(text[end - 1], '}');
    at = end + 1;
  }
}

TEST(Log, CutsLongText) {
  const Pipe pipe;
  Log log(pipe.fd());
  Logger(log).info(0, "m", {{"text", std::string(20'000, 'x')}});
  EXPECT_LT(pipe.text().size(), 8500U);
}

TEST(LogEvery, LetsOneThroughPerIntervalAndCountsTheRest) {
  LogEvery every(10s);
  const Clock::time_point start{1h};
  EXPECT_EQ(every.pass(start), 0U);
  EXPECT_EQ(every.pass(start + 1s), std::nullopt);
  EXPECT_EQ(every.pass(start + 9s), std::nullopt);
  EXPECT_EQ(every.pass(start + 10s), 2U);
  EXPECT_EQ(every.pass(start + 11s), std::nullopt);
}

TEST(JsonText, EscapesAndRepairs) {
  const auto json = [](std::string_view text) {
    std::string out;
    append_json(out, text);
    return out;
  };
  EXPECT_EQ(json("a\"b\\c\nd\te\x01"), R"("a\"b\\c\nd\te\u0001")");
  EXPECT_EQ(json("é€😀"), "\"é€😀\"");
  EXPECT_EQ(json("\xC3(\xED\xA0\x80|\xF5|\xE2\x82"),
            R"("\ufffd(\ufffd\ufffd\ufffd|\ufffd|\ufffd\ufffd")");
}

}  // namespace
}  // namespace pointsman
