#include "pointsman/app/replay.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/app/tap.h"
#include "pointsman/app/testing/recording.h"
#include "pointsman/app/whatif.h"

namespace pointsman {
namespace {

using testing::Recording;
using testing::TemporaryFolder;

// The scorers of the built-in default with other weights, and a picker of one's own choice.
std::string config(int queue, int prefix, const std::string& picker = "max-score-picker") {
  return R"(apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: prefix-cache-scorer
- type: )" +
         picker + R"(
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
    weight: )" +
         std::to_string(queue) + R"(
  - pluginRef: prefix-cache-scorer
    weight: )" +
         std::to_string(prefix) + "\n  - pluginRef: " + picker + "\n";
}

std::string write(const TemporaryFolder& folder, const std::string& text) {
  folder.write("new.yaml", text);
  return folder.path("new.yaml");
}

TEST(Replay, FindsEveryDecisionIdenticalWhateverTheThreads) {
  for (const std::string picker : {"max-score-picker", "random-picker", "weighted-random-picker"}) {
    const TemporaryFolder folder;
    Recording(config(2, 3, picker), 9).record(folder.path(), 3000);
    for (const std::size_t threads : {1U, 3U}) {
      const auto report = replay({.paths = {folder.path()}, .config_file = {}, .threads = threads});
      ASSERT_TRUE(report) << report.error().message;
      EXPECT_EQ(report->identical, 3000U) << to_text(*report);
      EXPECT_EQ(report->different + report->skipped, 0U);
      EXPECT_EQ(report->record.finished, 3000U);
      EXPECT_EQ(report->record.damaged + report->record.orphans, 0U);
    }
  }
}

TEST(Replay, ShowsTheFirstDifferenceOfAnotherConfiguration) {
  const TemporaryFolder folder;
  Recording(config(2, 3), 9).record(folder.path(), 500);
  const auto report =
      replay({.paths = {folder.path()}, .config_file = write(folder, config(2, 4)), .threads = 2});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->different, 500U) << "every total differs";
  EXPECT_NE(report->first.find("number 1)"), std::string::npos) << report->first;
  EXPECT_NE(report->first.find("/pod-0"), std::string::npos) << report->first;
}

TEST(Replay, RefusesWhatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_FALSE(replay({.paths = {folder.path("nothing")}, .config_file = {}}));
  Recording(config(2, 3), 3).record(folder.path(), 1);
  EXPECT_FALSE(replay({.paths = {write(folder, "plain text, no record")}, .config_file = {}}));
}

TEST(WhatIf, ChangesNothingUnderTheSameConfiguration) {
  const TemporaryFolder folder;
  Recording(config(2, 3), 9).record(folder.path(), 500);
  const auto report =
      what_if({.paths = {folder.path()}, .config_file = write(folder, config(2, 3))});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->judged, 500U);
  EXPECT_EQ(report->changed, 0U);
  EXPECT_EQ(report->regret, 0.0);
  EXPECT_EQ(report->predicted_then, report->predicted_now);
}

TEST(WhatIf, TellsWhereLoadMovesAndWhatTheCachesGain) {
  const TemporaryFolder folder;
  Recording(config(9, 1), 9).record(folder.path(), 2000);
  const auto report =
      what_if({.paths = {folder.path()}, .config_file = write(folder, config(1, 9))});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report->changed, 100U);
  EXPECT_GT(report->regret, 0.0);
  EXPECT_GT(report->predicted_now, report->predicted_then);
  std::size_t then = 0;
  std::size_t now = 0;
  for (const auto& [endpoint, share] : report->shares) {
    then += share.then;
    now += share.now;
  }
  EXPECT_EQ(then, 2000U);
  EXPECT_EQ(now, 2000U);
  const std::string text = to_text(*report);
  EXPECT_NE(text.find("What this cannot tell"), std::string::npos);
  EXPECT_NE(text.find("picks that change"), std::string::npos);
}

TEST(WhatIf, SaysWhichSignalsTheRecordLacks) {
  const TemporaryFolder folder;
  std::string only_queue = config(2, 3);
  only_queue.replace(only_queue.find("- type: prefix-cache-scorer\n"), 28, "");
  const std::size_t ref = only_queue.find("  - pluginRef: prefix-cache-scorer");
  only_queue.erase(ref, only_queue.find("  - pluginRef: max") - ref);
  Recording(only_queue, 4).record(folder.path(), 10);
  const auto report =
      what_if({.paths = {folder.path()}, .config_file = write(folder, config(2, 3))});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->missing.size(), 1U);
  EXPECT_NE(to_text(*report).find("Not in the record: signal PrefixCacheMatchInfoDataKey"),
            std::string::npos);
}

TEST(EventLines, AreTakenApartWhereverTheyAreCut) {
  const std::string stream =
      ": hello\n\ndata: {\"a\":1}\n\nevent: lost\r\ndata: {\"lost\":3}\n\ndata: x\n\n";
  for (std::size_t piece = 1; piece < stream.size(); ++piece) {
    EventLines lines;
    std::string seen;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      lines.feed(std::string_view(stream).substr(at, piece), [&](const EventLines::Event& event) {
        seen += event.name + "|" + event.data + ";";
      });
    }
    EXPECT_EQ(seen, "|{\"a\":1};lost|{\"lost\":3};|x;") << piece;
  }
}

TEST(TapLine, SaysWhatMatters) {
  EXPECT_EQ(tap_line(R"({"id":"00ab","endpoint":"/pod-1","end":"finished","decider":"queue",)"
                     R"("status":200,"margin":0.25,"ttft_ms":12.5,"cached_tokens":64,)"
                     R"("predicted_cached_tokens":128})"),
            "00ab  /pod-1  finished 200  margin 0.25  ttft 12.5 ms  cached 64 (predicted 128)  by "
            "queue");
}

}  // namespace
}  // namespace pointsman
