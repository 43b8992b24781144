#include "pointsman/sim/sim.h"

#include <iostream>
#include <utility>

#include "pointsman/sim/round_robin.h"
#include "pointsman/sim/sim_server.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxServers = 1000;
constexpr std::uint32_t kMaxOutput = 1'000'000;

Result<void> check(const SimOptions& options) {
  const auto wrong = [](const char* text) { return fail(Code::invalid_config, text); };
  if (options.count < 1 || options.count > kMaxServers) {
    return wrong("--count: must be between 1 and 1000");
  }
  if (options.port != 0 && options.port + options.count - 1 > 65535) {
    return wrong("--port: the last server's port would be above 65535");
  }
  if (!(options.time_scale >= 0.001 && options.time_scale <= 1000)) {
    return wrong("--time-scale: must be between 0.001 and 1000");
  }
  if (options.pace && *options.pace <= std::chrono::nanoseconds(0)) {
    return wrong("--pace: must be longer than zero");
  }
  if (options.output_tokens < 1 || options.output_tokens > kMaxOutput) {
    return wrong("--output-tokens: must be between 1 and 1000000");
  }
  if (options.model.empty()) return wrong("--model: must not be empty");
  return {};
}

}  // namespace

Result<std::unique_ptr<SimFleet>> SimFleet::open(Loop& loop, const SimOptions& options) {
  if (auto fine = check(options); !fine) return std::unexpected(std::move(fine).error());
  POINTSMAN_TRY(at, Address::parse(options.host, options.port));
  std::unique_ptr<SimFleet> fleet(new SimFleet());
  const auto desk = [fleet = fleet.get()](const FaultOrder& order,
                                          std::size_t from) -> Result<std::string> {
    const std::size_t to = order.server.value_or(from);
    if (to >= fleet->servers_.size()) {
      return fail(Code::not_found, "server: there are " + std::to_string(fleet->servers_.size()) +
                                       ", counted from 0");
    }
    fleet->servers_[to]->apply(order);
    return fleet->servers_[to]->faults_json();
  };
  for (std::size_t i = 0; i < options.count; ++i) {
    POINTSMAN_TRY(server, SimServer::open(loop, options, i, at, desk));
    fleet->servers_.push_back(std::move(server));
    if (at.port != 0) ++at.port;
  }
  if (!options.proxy_port) return fleet;
  std::vector<Address> addresses;
  for (const auto& server : fleet->servers_) addresses.push_back(server->address());
  at.port = *options.proxy_port;
  POINTSMAN_TRY(proxy, RoundRobin::open(loop, at, std::move(addresses)));
  fleet->proxy_ = std::move(proxy);
  return fleet;
}

SimFleet::~SimFleet() = default;

const Address& SimFleet::address(std::size_t server) const {
  return servers_.at(server)->address();
}

const Address& SimFleet::proxy_address() const {
  return proxy_->address();
}

Result<void> run_sim(const SimOptions& options) {
  Loop loop;
  const StopSignals signals(loop, [&loop](int) { loop.stop(); });
  POINTSMAN_TRY(fleet, SimFleet::open(loop, options));
  for (std::size_t i = 0; i < fleet->size(); ++i) {
    std::cout << "model server " << i << " on http://" << fleet->address(i).text() << '\n';
  }
  if (options.proxy_port) {
    std::cout << "round-robin proxy on http://" << fleet->proxy_address().text() << '\n';
  }
  std::cout.flush();
  loop.run();
  return {};
}

}  // namespace pointsman
