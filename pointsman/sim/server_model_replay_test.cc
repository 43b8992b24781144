// Replays a slice of a real trace over eight model servers, without HTTP, and compares the figures
// with those that were measured for the same policies (spec/11 section 2).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"
#include "pointsman/sim/server_model.h"
#include "pointsman/sim/trace.h"

namespace pointsman {
namespace {

constexpr std::size_t kServers = 8;
constexpr std::size_t kRequests = 600;
constexpr std::size_t kWarmUp = kRequests / 5;

double in_seconds(ModelTime time) {
  return std::chrono::duration<double>(time).count();
}

struct Outcome {
  double arrival = 0;
  double first = 0;
  double last = 0;
  std::uint32_t cached = 0;

  double ttft() const { return first - arrival; }
};

// The fleet and what happened on it: a policy looks at whatever it wants and names a server.
struct Replay {
  std::vector<TraceRequest> trace;
  std::vector<ServerModel> servers{kServers, ServerModel({})};
  std::array<std::unordered_map<std::uint64_t, std::size_t>, kServers> requests;
  std::vector<Outcome> outcomes{};
  std::function<void(std::size_t server, std::size_t request)> on_first_token;

  void advance(ModelTime now) {
    std::vector<TokenEvent> events;
    for (std::size_t server = 0; server < kServers; ++server) {
      events.clear();
      servers[server].advance(now, events);
      for (const TokenEvent& event : events) record(server, event);
    }
  }

  void record(std::size_t server, const TokenEvent& event) {
    const std::size_t request = requests[server].at(event.request);
    Outcome& outcome = outcomes[request];
    outcome.last = in_seconds(event.at);
    if (event.index > 0) return;
    outcome.first = outcome.last;
    outcome.cached = event.cached_tokens;
    if (on_first_token) on_first_token(server, request);
  }

  void run(const std::function<std::size_t(std::size_t request)>& pick) {
    outcomes.resize(trace.size());
    for (std::size_t i = 0; i < trace.size(); ++i) {
      const TraceRequest& one = trace[i];
      advance(one.arrival);
      outcomes[i].arrival = in_seconds(one.arrival);
      const std::size_t server = pick(i);
      const auto id = servers[server].submit({.blocks = one.block_ids,
                                              .prompt_tokens = one.prompt_tokens,
                                              .output_tokens = one.output_tokens},
                                             one.arrival);
      ASSERT_TRUE(id.has_value()) << id.error().message;
      requests[server][*id] = i;
    }
    advance(std::chrono::hours(1));
  }

  // Share of requests after the warm-up with TTFT <= 2 s and mean TPOT <= 50 ms.
  double goodput() const {
    std::size_t good = 0;
    for (std::size_t i = kWarmUp; i < trace.size(); ++i) {
      const Outcome& outcome = outcomes[i];
      const double gaps = std::max(1U, trace[i].output_tokens - 1);
      if (outcome.ttft() <= 2 && (outcome.last - outcome.first) / gaps <= 0.05) ++good;
    }
    return static_cast<double>(good) / static_cast<double>(trace.size() - kWarmUp);
  }

  double mean_ttft() const {
    double sum = 0;
    for (std::size_t i = kWarmUp; i < trace.size(); ++i) sum += outcomes[i].ttft();
    return sum / static_cast<double>(trace.size() - kWarmUp);
  }

  double cached_share() const {
    double cached = 0;
    double all = 0;
    for (std::size_t i = kWarmUp; i < trace.size(); ++i) {
      cached += outcomes[i].cached;
      all += trace[i].prompt_tokens;
    }
    return cached / all;
  }
};

Replay replay() {
  constexpr std::string_view kFile = "examples/mooncake/conversation_600.jsonl";
  std::filesystem::path root = std::filesystem::current_path();  // somewhere in the repository
  while (!exists(root / kFile) && root.has_relative_path()) root = root.parent_path();
  auto trace = read_trace(root / kFile, kRequests);
  EXPECT_TRUE(trace.has_value()) << trace.error().message;
  spread_arrivals(*trace);
  return {.trace = *std::move(trace), .requests = {}, .on_first_token = {}};
}

// Predicted time to first token from the sender's own books (spec/11 section 3, lambda = 3).
struct OwnBooks {
  struct Sent {
    std::size_t request;
    double prefill;  // seconds it is believed to take
  };
  struct Book {
    std::vector<Sent> sent;  // first token not yet back
    std::unordered_set<std::uint64_t> blocks;
    double last_first_token = 0;
  };
  std::array<Book, kServers> books{};
  Random random{1};

  static double prefill(double tokens, double uncached) {
    return std::ceil(uncached / 512) * 10e-3 + uncached / 16e3 +
           0.9e-9 * uncached * (tokens - uncached / 2);
  }

  static double own(const Book& book, const TraceRequest& request) {
    std::size_t hits = 0;
    while (hits < request.block_ids.size() && book.blocks.contains(request.block_ids[hits])) ++hits;
    const double tokens = request.prompt_tokens;
    return prefill(tokens, std::max(1.0, tokens - 512.0 * static_cast<double>(hits)));
  }

  static double backlog(const Book& book, double now) {
    if (book.sent.empty()) return 0;
    double sum = 0;
    for (const Sent& sent : book.sent) sum += sent.prefill;
    return sum - std::min(now - book.last_first_token, book.sent.front().prefill);
  }

  std::size_t pick(const TraceRequest& request, std::size_t number) {
    const double now = in_seconds(request.arrival);
    std::array<double, kServers> costs{};
    std::ranges::transform(books, costs.begin(), [&](const Book& book) {
      const double tie_break = 1e-9 * random.unit();
      return backlog(book, now) + 4 * own(book, request) + tie_break;
    });
    const auto server = std::ranges::min_element(costs) - costs.begin();
    Book& best = books[static_cast<std::size_t>(server)];
    if (best.sent.empty()) best.last_first_token = now;
    best.sent.push_back({.request = number, .prefill = own(best, request)});
    best.blocks.insert(request.block_ids.begin(), request.block_ids.end());
    return static_cast<std::size_t>(server);
  }

  void first_token(std::size_t server, std::size_t request, double at) {
    std::erase_if(books[server].sent, [=](const Sent& sent) { return sent.request == request; });
    books[server].last_first_token = at;
  }
};

TEST(ServerModelReplay, GivesTheMeasuredFiguresForRoundRobin) {
  Replay fleet = replay();
  fleet.run([](std::size_t request) { return request % kServers; });
  EXPECT_NEAR(fleet.goodput(), 0.637, 0.005);
  EXPECT_NEAR(fleet.mean_ttft(), 3.03, 0.05);
}

TEST(ServerModelReplay, GivesTheMeasuredFiguresForPredictedTimeToFirstToken) {
  Replay fleet = replay();
  OwnBooks books;
  fleet.on_first_token = [&](std::size_t server, std::size_t request) {
    books.first_token(server, request, fleet.outcomes[request].first);
  };
  fleet.run([&](std::size_t request) { return books.pick(fleet.trace[request], request); });
  EXPECT_NEAR(fleet.goodput(), 0.860, 0.01);
  EXPECT_NEAR(fleet.mean_ttft(), 1.16, 0.05);
  EXPECT_GT(fleet.cached_share(), 0.18);  // round robin: 0.054
}

}  // namespace
}  // namespace pointsman
