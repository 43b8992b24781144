#include "pointsman/app/router_parts.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {
namespace {

// What the start says of a configuration.
std::string_view said_of(std::string_view body) {
  RouterFlags flags;
  flags.config_text =
      "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n" + std::string(body);
  Metrics metrics;
  const auto assembly =
      assemble(examine(flags), builtin_plugins(), metrics, builtin_options(false));
  return assembly ? "nothing" : start_failure(assembly.error().front());
}

// spec/10 section 2.
TEST(StartFailure, SaysAtWhichStepItHappened) {
  EXPECT_EQ(said_of(""), "nothing");
  EXPECT_EQ(said_of("plugins: [{type: no-such-plugin}]"), "Failed to parse configuration");
  EXPECT_EQ(said_of("dataLayer: {discovery: 3}"), "Failed to parse configuration");
  EXPECT_EQ(said_of("dataLayer: {discovery: {pluginRef: nobody}}"),
            "Failed to resolve discovery plugin");
  EXPECT_EQ(said_of("plugins: [{type: queue-scorer}]\n"
                    "dataLayer: {discovery: {pluginRef: queue-scorer}}"),
            "Failed to resolve discovery plugin");
  EXPECT_EQ(said_of("plugins: [{type: utilization-filter, parameters: "
                    "{conditions: [{metric: waiting-queue, maxValue: 5}]}}]"),
            "Plugin stability validation failed");
}

std::vector<std::string> addresses(bool auth, std::string host = "") {
  RouterFlags flags;
  flags.metrics_port = 90;
  flags.metrics_endpoint_auth = auth;
  flags.admin_host = std::move(host);
  std::vector<std::string> out;
  for (const Address& address : admin_addresses(flags)) out.push_back(address.text());
  return out;
}

TEST(AdminAddresses, StayOnThisMachineUnlessTheyAreToBeOpen) {
  using Addresses = std::vector<std::string>;
  const bool v6 = Address::parse("::1", 0)->is_here();
  EXPECT_EQ(addresses(true),
            v6 ? Addresses({"127.0.0.1:90", "[::1]:90"}) : Addresses({"127.0.0.1:90"}));
  EXPECT_EQ(addresses(false), Addresses{Address::everywhere(90).text()});
  EXPECT_EQ(addresses(false, "192.0.2.1"), Addresses{"192.0.2.1:90"});
  EXPECT_EQ(addresses(true, "::"), Addresses{"[::]:90"});
}

}  // namespace
}  // namespace pointsman
