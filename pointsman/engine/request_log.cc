#include "pointsman/engine/request_log.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/client_text.h"

namespace pointsman {
namespace {

struct Line {
  int at = verbosity::kDefault;
  std::string_view message;
  std::string_view end;
};

// A proxy that closes the stream of a request whose answer it does not show us says nothing else.
bool unanswered(const Session& session) {
  return session.decision != nullptr && session.response.status == 0;
}

Line line_of(const Session& session, Outcome::End end) {
  constexpr int kServerErrors = 500;
  constexpr int kShed = 503;
  if (!session.failure.message.empty()) {
    const int status = session.failure.status;
    const bool ours = status >= kServerErrors && status != kShed;
    if (end == Outcome::End::upstream_failed || ours) {
      return {verbosity::kError, "Error handling request",
              end == Outcome::End::upstream_failed ? "upstream_failed" : "failed"};
    }
    return {verbosity::kInfo, "Request refused", "refused"};
  }
  if (end == Outcome::End::client_aborted) return {.message = "Request aborted", .end = "aborted"};
  if (end == Outcome::End::pending && unanswered(session)) {
    return {.message = "Request aborted", .end = "closed by proxy"};
  }
  const std::string_view how =
      session.response.complete || end == Outcome::End::finished ? "finished" : "closed by proxy";
  if (session.response.status >= kServerErrors) {
    return {verbosity::kInfo, "Model server error", how};
  }
  return {.message = "Request handled", .end = how};
}

// Fields that say nothing are left out.
class Fields {
 public:
  Fields() { all_.reserve(kMost); }

  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) all_.emplace_back(key, clipped(value));
  }
  void count(std::string_view key, std::int64_t value, std::int64_t from) {
    if (value >= from) all_.emplace_back(key, value);
  }
  void time(std::string_view key, Clock::time_point from, Clock::time_point to) {
    if (from != Clock::time_point{} && to >= from) all_.emplace_back(key, to - from);
  }
  std::span<const LogField> all() const { return all_; }
  std::vector<LogField>& raw() { return all_; }

 private:
  static constexpr std::size_t kMost = 24;

  std::vector<LogField> all_;
};

}  // namespace

void log_request(const Logger& log, const Session& session, Outcome::End end) {
  const bool failed = !session.failure.message.empty();
  if (session.request.received == Clock::time_point{} && !failed) return;  // nothing was asked
  const Line line = line_of(session, end);
  if (!log.shows(line.at)) return;
  const auto now = Clock::now();
  const Request& request = session.request;
  const Session::Response& response = session.response;
  const Decision* const decision = session.decision.get();
  std::string id;
  Fields fields;
  fields.text("x-request-id", request.id);
  fields.text("incomingModelName", request.model);
  fields.text("targetModelName", request.target_model);
  fields.raw().emplace_back("priority", request.priority);
  if (decision != nullptr) {
    id = decision_id_text(decision->id);
    fields.text("decision", id);
    if (!decision->targets().empty()) {
      fields.text("endpoint", (*decision->fleet)[session.in_effect().targets()[0]].id);
      fields.time("routing", request.received, decision->done);
    }
    fields.count("attempts", decision->outcome.attempts, 2);
  }
  fields.text("end", line.end);
  fields.count("status", response.status != 0 ? response.status : session.failure.status, 1);
  fields.text("code", session.failure.code);
  fields.text("reason", session.failure.reason);
  if (failed) fields.raw().emplace_back("error", session.failure.message);
  fields.time("ttft", request.received, response.first);
  fields.time("duration", request.received, now);
  fields.count("requestBytes", static_cast<std::int64_t>(request.body_bytes), 1);
  fields.count("responseBytes", static_cast<std::int64_t>(response.bytes), 1);
  fields.count("promptTokens", response.progress.usage.prompt, 0);
  fields.count("outputTokens", response.progress.usage.output, 0);
  fields.count("cachedTokens", response.progress.usage.cached, 0);
  log.write(line.at, line.message, fields.all());
}

}  // namespace pointsman
