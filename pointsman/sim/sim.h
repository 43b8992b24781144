#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/sim/server_model.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// What `pointsman sim` starts.
struct SimOptions {
  std::size_t count = 1;           // servers, on ports port, port + 1, ...; at most 1,000
  std::string host = "127.0.0.1";  // IP address
  std::uint16_t port = 8000;       // 0: any free ports
  std::optional<std::uint16_t> proxy_port{};  // a plain round-robin proxy before them; 0: any
  double time_scale = 1;                      // model seconds per second, 0.001 to 1,000
  std::uint64_t seed = 1;                     // of made-up words and request ids
  bool real_size = false;  // prompts are as long as real text: 2,048 bytes a block, not 256
  // Answers one token after each pace, whatever the load: no timing model, for load tests.
  std::optional<std::chrono::nanoseconds> pace{};
  std::uint32_t output_tokens = 128;  // of an answer whose request does not say
  std::string model = "sim-model";    // served model name
  std::vector<std::string> loras{};   // served adapters' names
  ServerParams engine{};
};

class RoundRobin;  // round_robin.h
class SimServer;   // sim_server.h

// A number of simulated model servers on one event loop.
// Threading: the loop's thread.
class SimFleet {
 public:
  // Starts listening. Errors: invalid_config, naming the option; io, naming the address.
  static Result<std::unique_ptr<SimFleet>> open(Loop& loop, const SimOptions& options);
  ~SimFleet();

  std::size_t size() const { return servers_.size(); }
  const Address& address(std::size_t server) const;
  const Address& proxy_address() const;  // REQUIRES: options.proxy_port was given

 private:
  SimFleet() = default;

  std::vector<std::unique_ptr<SimServer>> servers_;
  std::unique_ptr<RoundRobin> proxy_;
};

// Runs a fleet on this thread until SIGINT or SIGTERM, and says on standard output where it
// listens. Errors as SimFleet::open().
Result<void> run_sim(const SimOptions& options);

}  // namespace pointsman
