#include "pointsman/plugins/screeners/revision_shares.h"

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

const std::vector<std::string> kRequired{"prefill", "decode"};

// Pods by revision and role; the names live as long as this.
struct Pods {
  std::deque<std::string> names;
  std::vector<SetPod> all;

  Pods& add(std::string_view revision, std::string_view role, int count) {
    for (int i = 0; i < count; ++i) {
      names.push_back("pod" + std::to_string(names.size()));
      all.push_back({.name = names.back(), .revision = revision, .role = role});
    }
    return *this;
  }
};

Pods pods(int p1, int d1, int p2, int d2) {
  Pods pods;
  pods.add("v2", "decode", d2).add("v1", "prefill", p1).add("v1", "decode", d1);
  pods.add("v2", "prefill", p2);
  return pods;
}

std::map<std::string, double> shares(Pods pods, ShareMode mode) {
  Arena arena;
  std::map<std::string, double> out;
  for (const RevisionShare& each : revision_shares(pods.all, kRequired, mode, arena)) {
    out[std::string(each.revision)] = each.share;
  }
  return out;
}

double v2(int p1, int d1, int p2, int d2, ShareMode mode) {
  return shares(pods(p1, d1, p2, d2), mode).at("v2");
}

// The vectors of spec/03 section 15.4.
TEST(RevisionShares, GoByPods) {
  EXPECT_DOUBLE_EQ(v2(2, 8, 1, 2, ShareMode::sum), 3.0 / 13);
  EXPECT_DOUBLE_EQ(v2(2, 8, 1, 2, ShareMode::max_role), 2.0 / 10);
  EXPECT_DOUBLE_EQ(v2(8, 8, 2, 2, ShareMode::sum), 2.0 / 10);
  EXPECT_DOUBLE_EQ(v2(8, 8, 2, 2, ShareMode::max_role), 2.0 / 10);
  EXPECT_DOUBLE_EQ(v2(8, 2, 2, 1, ShareMode::sum), 3.0 / 13);
  EXPECT_DOUBLE_EQ(v2(8, 2, 2, 1, ShareMode::max_role), 2.0 / 10);
  EXPECT_DOUBLE_EQ(v2(8, 1, 2, 4, ShareMode::max_role), 2.0 / 10);
  EXPECT_DOUBLE_EQ(v2(2, 2, 1, 1, ShareMode::sum), 1.0 / 3);
  EXPECT_DOUBLE_EQ(v2(2, 1, 1, 2, ShareMode::sum), 1.0 / 2);
  EXPECT_DOUBLE_EQ(v2(2, 1, 1, 1, ShareMode::sum), 2.0 / 5);
}

TEST(RevisionShares, TakeTheFirstListedOfEqualRoles) {
  // 10 prefill and 10 decode pods: prefill counts.
  EXPECT_DOUBLE_EQ(v2(8, 6, 2, 4, ShareMode::max_role), 2.0 / 10);
}

TEST(RevisionShares, GiveNothingToARevisionThatLacksARole) {
  for (const ShareMode mode : {ShareMode::sum, ShareMode::max_role}) {
    Pods with_third = pods(2, 8, 1, 2);
    with_third.add("v3", "prefill", 100);
    const auto found = shares(with_third, mode);
    EXPECT_EQ(found.at("v3"), 0.0);
    EXPECT_DOUBLE_EQ(found.at("v2"), v2(2, 8, 1, 2, mode));
  }
  EXPECT_EQ(shares(Pods().add("v1", "prefill", 3), ShareMode::sum).at("v1"), 0.0);
  EXPECT_TRUE(shares(Pods(), ShareMode::max_role).empty());
}

TEST(RevisionShares, CountAPodOnceAndOtherRolesNever) {
  Pods twice = pods(1, 1, 1, 1);
  twice.all.push_back(twice.all.front());
  EXPECT_DOUBLE_EQ(shares(twice, ShareMode::sum).at("v2"), 1.0 / 2);
  twice.add("v2", "encode", 7);
  EXPECT_DOUBLE_EQ(shares(twice, ShareMode::sum).at("v2"), 1.0 / 2);
}

TEST(RevisionShares, AreDrawnFrom) {
  const std::vector<RevisionShare> shares{{.revision = "v1", .pods = {}, .share = 0.75},
                                          {.revision = "v2", .pods = {}, .share = 0.25}};
  EXPECT_EQ(pick_revision(shares, 0.0), "v1");
  EXPECT_EQ(pick_revision(shares, 0.9), "v2");
  EXPECT_EQ(pick_revision(std::span(shares).first(1), 0.999), "v1");
  const std::vector<RevisionShare> one{{.revision = "v1", .pods = {}, .share = 0.0}, shares[1]};
  EXPECT_EQ(pick_revision(one, 0.0), "v2");
  EXPECT_EQ(pick_revision({}, 0.5), "");
}

}  // namespace
}  // namespace pointsman
