#include "pointsman/plugins/hooks/agent_identity.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

// Whom a request with these headers is from; "nobody" without a sign.
std::string agent(const std::vector<Header>& headers, const AgentIdentityParams& params = {}) {
  testing::Scene scene({{.name = "a"}});
  const auto plugin = testing::make<AgentIdentity>(params, scene.table);
  const Cell<SessionId> cell{*scene.table.find({"agent-identity", ""})};
  scene.begin();
  Request request;
  request.headers = headers;
  HeaderEdits edits;
  EXPECT_TRUE(plugin->arrived(request, scene.signals, edits));
  const SessionId* const found = scene.signals.read(cell);
  return found == nullptr ? "nobody" : std::string(found->id);
}

// The vectors of spec/03 section 15.1.
TEST(AgentIdentity, TakesTheFirstHeaderThatSaysSomething) {
  const Header claude{"x-claude-code-session-id", "claude"};
  const Header opencode{"x-session-affinity", "opencode"};
  const Header codex{"session-id", "codex"};
  const Header old_codex{"session_id", "old-codex"};
  EXPECT_EQ(agent({opencode, claude}), "claude");
  EXPECT_EQ(agent({codex, opencode}), "opencode");
  EXPECT_EQ(agent({old_codex, codex}), "codex");
  EXPECT_EQ(agent({old_codex}), "old-codex");
  EXPECT_EQ(agent({{"x-claude-code-session-id", ""}, codex}), "codex");
  EXPECT_EQ(agent({{"x-request-id", "1"}}), "nobody");
}

TEST(AgentIdentity, AsksHeadersOfItsOwnFirst) {
  const std::vector<Header> headers{{"session-id", "codex"}, {"x-tenant-id", "tenant"}};
  EXPECT_EQ(agent(headers, {.headers = {"x-tenant-id"}}), "tenant");
  EXPECT_EQ(agent(headers, {.headers = {"X-Tenant-ID"}}), "tenant");
  EXPECT_EQ(agent(headers, {.headers = {"x-other"}}), "codex");
}

}  // namespace
}  // namespace pointsman
