#include "pointsman/plugins/producers/session_id.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

std::string found(const SessionIdParams& params, const std::vector<Header>& headers) {
  testing::Scene scene({});
  const auto producer = testing::make<SessionIdProducer>(params, scene.table);
  pointsman::Setup reader({}, {}, scene.table);
  const auto cell = reader.reads_cell<SessionId>({"SessionIDDataKey", "session-id-producer"});
  scene.begin();
  scene.request.headers = headers;
  EXPECT_TRUE(producer->produce(scene.context(), {}, scene.signals));
  const SessionId* const session = scene.signals.read(cell);
  return session == nullptr ? "(none)" : std::string(session->id);
}

TEST(SessionIdProducer, ReadsAHeader) {
  EXPECT_EQ(found({.header = " X-Session "}, {{"x-session", "  abc "}}), "abc");
  EXPECT_EQ(found({.header = "X-Session"}, {{"x-session", "   "}}), "(none)");
  EXPECT_EQ(found({.header = "X-Session"}, {}), "(none)");
}

TEST(SessionIdProducer, ReadsACookie) {
  const SessionIdParams sid{.cookie = "sid"};
  EXPECT_EQ(found(sid, {{"cookie", "a=1; sid=x=y ; sid=second"}}), "x=y");
  EXPECT_EQ(found(sid, {{"cookie", "SID=1; sid"}}), "(none)");
  EXPECT_EQ(found(sid, {{"cookie", "sid="}}), "(none)");
}

TEST(SessionIdParams, NeedExactlyOneSource) {
  const std::string text =
      "'session-id-producer' requires exactly one of headerName or cookieName to be set";
  EXPECT_EQ(SessionIdParams::check({}).error().message, text);
  EXPECT_EQ(SessionIdParams::check({.header = "a", .cookie = "b"}).error().message,
            text + ", not both");
  EXPECT_TRUE(SessionIdParams::check({.header = "a"}));
}

}  // namespace
}  // namespace pointsman
