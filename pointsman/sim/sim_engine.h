#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pointsman/sim/completion.h"
#include "pointsman/sim/completion_answer.h"
#include "pointsman/sim/engine_metrics.h"
#include "pointsman/sim/model_clock.h"
#include "pointsman/sim/server_model.h"
#include "pointsman/sim/sim.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// A completion request on its way into an engine.
struct EngineJob {
  std::unique_ptr<HttpExchange> exchange;
  CompletionRequest request;
  std::string request_id;
  HttpFields fields;  // of the answer
};

// The engine inside a simulated server: runs the timing model (or a fixed pace) against the clock
// and writes the tokens it gives to whoever asked for them.
// Threading: the loop's thread.
class SimEngine {
 public:
  SimEngine(Loop& loop, const SimOptions& options, std::uint64_t seed);

  // Answers `job`; with 400 if the model refuses it. A client that goes away ends its request.
  void run(EngineJob job);

  // Computes this many times as fast as usual; at 0 not at all.
  void set_speed(double speed);
  // Breaks off answers after so many tokens; whole answers instead of their end.
  void cut_answers_after(std::optional<std::uint32_t> tokens) { cut_after_ = tokens; }
  void lose_cache() { model_.clear_cache(); }
  void drop_all();  // ends all requests; their connections are cut

  // The metrics page as of now. Valid until the next call.
  std::string_view metrics_page();

 private:
  struct Answer {
    EngineJob job;
    CompletionAnswer text;
    ModelTime arrived{};
    ModelTime first{};
    ModelTime latest{};
    Usage usage{};
  };
  struct Paced {
    ModelTime due{};
    std::uint64_t id = 0;
    std::uint32_t index = 0;
  };

  ModelTime now() const { return clock_.at(Clock::now()); }
  void pump();  // brings the engine up to now
  void pump_paced(ModelTime now, ModelTime pace);
  void arm();
  void deliver(const TokenEvent& event);
  bool write_token(Answer& answer, const TokenEvent& event);
  void count(Answer& answer, const TokenEvent& event);
  void write_half(Answer& answer);  // of a whole answer that will be cut off
  void finish(Answer& answer);
  void cut(std::uint64_t id);      // breaks the answer off
  void give_up(std::uint64_t id);  // nobody waits for it any more
  void show_loras();

  const SimOptions options_;
  std::uint64_t seed_;
  ModelClock clock_;
  ServerModel model_;
  EngineMetrics metrics_;
  std::optional<std::uint32_t> cut_after_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Answer>> answers_;  // by the model's id
  std::deque<Paced> paced_;  // in order of due, since the pace is one for all
  std::uint64_t next_paced_ = 1;
  std::vector<TokenEvent> events_;
  std::string scratch_;
  Timer timer_;
};

}  // namespace pointsman
