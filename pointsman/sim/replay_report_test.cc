#include "pointsman/sim/replay_report.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

ReplayTally tally() {
  ReplayTally out;
  for (const double ttft : {1.0, 3.0, 0.5, 2.0}) {
    out.add({.error = {},
             .ttft = ttft,
             .tpot = 0.04,
             .prompt_tokens = 100,
             .cached_tokens = 25,
             .output_tokens = 10});
  }
  out.add({.error = "status 503"});
  return out;
}

TEST(ReplayTally, CountsQuantilesSharesAndErrors) {
  const ReplayTally one = tally();
  EXPECT_EQ(one.finished(), 5U);
  EXPECT_EQ(one.failed(), 1U);
  EXPECT_EQ(one.ttft(0.5), 1.0);
  EXPECT_EQ(one.ttft(0.9), 3.0);
  EXPECT_EQ(one.ttft(0), 0.5);
  EXPECT_DOUBLE_EQ(one.mean_ttft(), 1.625);
  EXPECT_DOUBLE_EQ(one.cached_share(), 0.25);
  EXPECT_DOUBLE_EQ(one.goodput(), 0.6);  // three of five, the failed one included
}

TEST(ReplayTally, IsZeroWhileNothingHasCome) {
  const ReplayTally none;
  EXPECT_EQ(none.ttft(0.5), 0);
  EXPECT_EQ(none.mean_ttft(), 0);
  EXPECT_EQ(none.cached_share(), 0);
  EXPECT_EQ(none.goodput(), 0);
}

TEST(ReplayReport, ShowsTargetsSideBySideAndWhatWentWrong) {
  const std::vector<ReplayedTarget> targets = {{"pointsman", tally()}, {"round robin", {}}};
  EXPECT_EQ(progress_line(targets, 9),
            "pointsman 5/9, cached 25.0 %, TTFT 1.00 s, errors 1  |  "
            "round robin 0/9, cached 0.0 %, TTFT 0.00 s");
  EXPECT_EQ(report_table(targets),
            "                                     pointsman       round robin\n"
            "TTFT p50                                1.00 s            0.00 s\n"
            "TTFT p90                                3.00 s            0.00 s\n"
            "TTFT mean                               1.62 s            0.00 s\n"
            "prompt tokens from cache                25.0 %             0.0 %\n"
            "TTFT <= 2 s, TPOT <= 50 ms              60.0 %             0.0 %\n"
            "requests                                     5                 0\n"
            "errors                                       1                 0\n"
            "pointsman: 1 x status 503\n");
  EXPECT_EQ(nlohmann::json::parse(report_json(targets))["pointsman"]["ttft_p90"], 3.0);
}

}  // namespace
}  // namespace pointsman
