#include "pointsman/sim/replay.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <unordered_map>
#include <utility>

#include "pointsman/sim/replay_call.h"
#include "pointsman/sim/trace.h"
#include "pointsman/sim/wire_form.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/http_client.h"

namespace pointsman {
namespace {

// A server that never answers must not keep the replay from ending.
constexpr auto kLongestAnswer = std::chrono::seconds(300);
constexpr auto kProgress = std::chrono::seconds(1);

struct Destination {
  HttpTarget target;
  std::string path;
};

Result<Destination> destination(Loop& loop, const std::string& text) {
  POINTSMAN_TRY(url, Url::parse(text));
  if (url.tls) return fail(Code::invalid_config, text + ": https is not supported here");
  Result<std::vector<Address>> addresses = fail(Code::timeout, text + ": no address in time");
  bool resolved = false;
  resolve(loop, url.host, [&](Result<std::vector<Address>> found) {
    addresses = std::move(found);
    resolved = true;
  });
  loop.run_until([&] { return resolved; });
  if (!addresses) return std::unexpected(std::move(addresses).error());
  return Destination{.target = {.address = addresses->front(), .tls = {}, .host = url.host.text()},
                     .path = url.path + "/v1/completions"};
}

class Replay {
 public:
  Replay(Loop& loop, const ReplayOptions& options, std::vector<TraceRequest> trace,
         std::vector<Destination> destinations, const ReplayProgress& progress)
      : loop_(loop),
        options_(options),
        trace_(std::move(trace)),
        destinations_(std::move(destinations)),
        progress_(progress),
        client_(loop, {.total = kLongestAnswer}),
        pace_(loop, [this] { send_due(); }),
        tick_(loop, [this] { report(); }) {
    for (const auto& target : options.targets) results_.push_back({.name = target.name});
  }

  std::vector<ReplayedTarget> run() {
    start_ = Clock::now();
    tick_.arm(kProgress);
    send_due();
    loop_.run_until([this] { return sent_ == trace_.size() && calls_.empty(); },
                    std::chrono::hours(24));
    progress_(sent_, results_);
    return std::move(results_);
  }

 private:
  Clock::time_point when(const TraceRequest& request) const {
    const std::chrono::duration<double, std::nano> after = request.arrival / options_.time_scale;
    return start_ + std::chrono::round<Clock::duration>(after);
  }

  void send_due() {
    const auto now = Clock::now();
    while (sent_ < trace_.size() && when(trace_[sent_]) <= now) send(sent_++);
    if (sent_ < trace_.size()) pace_.arm_at(when(trace_[sent_]));
  }

  void send(std::size_t number) {
    const TraceRequest& request = trace_[number];
    const WireForm form = options_.real_size ? WireForm::real_size() : WireForm{};
    const nlohmann::json body = {{"model", options_.model},
                                 {"prompt", prompt_text(request, form)},
                                 {"max_tokens", options_.max_tokens},
                                 {"stream", true},
                                 {"stream_options", {{"include_usage", true}}}};
    const auto text = std::make_shared<const std::string>(body.dump());
    for (std::size_t i = 0; i < destinations_.size(); ++i) {
      const std::uint64_t key = next_key_++;
      const bool counts = number >= options_.warm_up;
      calls_[key] = std::make_unique<ReplayCall>(
          client_, destinations_[i].target, destinations_[i].path,
          ReplayCall::Request{.body = text,
                              .output_tokens = std::min(request.output_tokens, options_.max_tokens),
                              .time_scale = options_.time_scale},
          [this, key, i, counts](const ReplayOutcome& outcome) {
            if (counts) results_[i].tally.add(outcome);
            calls_.erase(key);
          });
    }
  }

  void report() {
    progress_(sent_, results_);
    tick_.arm(kProgress);
  }

  Loop& loop_;
  const ReplayOptions& options_;
  std::vector<TraceRequest> trace_;
  std::vector<Destination> destinations_;
  const ReplayProgress& progress_;
  HttpClient client_;
  std::unordered_map<std::uint64_t, std::unique_ptr<ReplayCall>> calls_;
  std::uint64_t next_key_ = 0;
  std::vector<ReplayedTarget> results_;
  std::size_t sent_ = 0;
  Clock::time_point start_;
  Timer pace_;
  Timer tick_;
};

// What a person watching sees: one line, rewritten on a terminal, every ten seconds elsewhere.
class LiveLine {
 public:
  explicit LiveLine(const ReplayOptions& options)
      : options_(options), terminal_(isatty(STDERR_FILENO) != 0) {}
  ~LiveLine() { clear(); }

  void show(std::size_t sent, const std::vector<ReplayedTarget>& targets) {
    if (!terminal_ && ++calls_ % 10 != 0) return;
    clear();
    if (sent <= options_.warm_up) {
      std::cerr << "warming up: " << sent << "/" << options_.warm_up << " requests sent";
    } else {
      std::cerr << progress_line(targets, options_.requests);
    }
    if (!terminal_) std::cerr << '\n';
    std::cerr.flush();
  }

 private:
  void clear() const {
    if (terminal_) std::cerr << "\r\033[K";
  }

  const ReplayOptions& options_;
  bool terminal_;
  int calls_ = 0;
};

}  // namespace

Result<std::vector<ReplayedTarget>> replay(Loop& loop, const ReplayOptions& options,
                                           const ReplayProgress& progress) {
  if (options.targets.empty()) return fail(Code::invalid_config, "a replay needs a target");
  if (!(options.time_scale >= 0.001 && options.time_scale <= 1000)) {
    return fail(Code::invalid_config, "time scale: must be between 0.001 and 1000");
  }
  POINTSMAN_TRY(trace, read_trace(options.trace, options.warm_up + options.requests));
  if (trace.size() < options.warm_up + options.requests) {
    return fail(Code::invalid_config,
                options.trace + ": has only " + std::to_string(trace.size()) + " requests");
  }
  spread_arrivals(trace);
  std::vector<Destination> destinations;
  for (const auto& target : options.targets) {
    POINTSMAN_TRY(one, destination(loop, target.url));
    destinations.push_back(std::move(one));
  }
  return Replay(loop, options, std::move(trace), std::move(destinations), progress).run();
}

Result<void> run_replay(const ReplayOptions& options, bool as_json) {
  Loop loop;
  Result<std::vector<ReplayedTarget>> results;
  {
    LiveLine line(options);
    results = replay(loop, options,
                     [&line](std::size_t sent, const auto& so_far) { line.show(sent, so_far); });
  }
  if (!results) return std::unexpected(std::move(results).error());
  std::cout << (as_json ? report_json(*results) + "\n" : report_table(*results));
  return {};
}

}  // namespace pointsman
