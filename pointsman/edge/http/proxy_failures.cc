// What a ProxySession does about model servers that fail.

#include <string>
#include <utility>

#include "pointsman/edge/http/proxy_session.h"
#include "pointsman/engine/candidates.h"

namespace pointsman {

std::optional<ProxySession::Target> ProxySession::same_target() {
  if (attempts_ > shared_.options.retry.most) return std::nullopt;
  slot_ = {};
  return reach(target_);
}

bool ProxySession::try_again(std::string_view reason) {
  if (exchange_->started()) return false;
  const auto limit = shared_.options.client.total;
  if (limit.count() > 0 && Clock::now() - request.received >= limit) return false;
  auto next = next_target();
  // Closing a connection that was not in use says nothing against a server.
  if (!next && reason == "stale") next = same_target();
  if (!next) return false;
  MetricShard& shard = shared_.worker.shard;
  if (!shared_.budget.take()) {
    shard.add(shard.with(metric::kRetries, "no_budget"));
    return false;
  }
  shard.add(shard.with(metric::kRetries, reason));
  call_.cancel();
  attempt(*std::move(next));
  return true;
}

void ProxySession::blame(std::string_view reason, bool connecting, std::string_view error) {
  MetricShard& shard = shared_.worker.shard;
  shard.add(shard.with(metric::kUpstreamFailures, reason));
  const std::optional<Logger>& log = shared_.options.log;
  const LogFields fields{{"endpoint", target().id},
                         {"reason", reason},
                         {"error", error},
                         {"x-request-id", request.id}};
  // The peer may close what is not in use.
  const bool harmless = reason == "stale";
  if (log) {
    const int level = harmless ? verbosity::kDebug : verbosity::kDefault;
    log->info(level, "a request failed at an endpoint", fields);
  }
  Outliers* const outliers = shared_.options.outliers;
  if (outliers == nullptr || harmless) return;
  const auto now = Clock::now();
  if (!outliers->failed(target().key, connecting, now)) return;
  shard.add(shard.with(metric::kEjections, target().id));
  const auto trouble = outliers->trouble(target().key, now);
  if (!log || !trouble) return;
  log->warning("an endpoint is left out after failures",
               {{"endpoint", target().id},
                {"reason", reason},
                {"error", error},
                {"failures", trouble->failures},
                {"for", std::chrono::nanoseconds(trouble->out_for)}});
}

void ProxySession::praise() {
  Outliers* const outliers = shared_.options.outliers;
  if (outliers == nullptr || !outliers->succeeded(target().key)) return;
  if (const auto& log = shared_.options.log) {
    log->info(verbosity::kInfo, "an endpoint that was left out answers again",
              {{"endpoint", target().id}});
  }
}

void ProxySession::on_failure(HttpFailure met) {
  using Phase = HttpFailure::Phase;
  const bool timeout = met.error.code == Code::timeout;
  const bool connecting = met.phase == Phase::connecting;
  const std::string_view reason = connecting                      ? "connect"
                                  : met.phase == Phase::stale     ? "stale"
                                  : met.phase == Phase::refused   ? "refused"
                                  : timeout                       ? "timeout"
                                  : met.phase == Phase::answering ? "broken"
                                                                  : "reset";
  blame(reason, connecting, met.error.message);
  const bool untouched = connecting || met.phase == Phase::stale || met.phase == Phase::refused;
  const bool late = timeout && met.phase == Phase::waiting && shared_.options.retry.timeouts;
  if ((untouched || late) && try_again(reason)) return;
  if (exchange_->started()) {
    note_failure("the answer broke off: " + met.error.message);
    exchange_->abort();
    return end(Outcome::End::upstream_failed);
  }
  const std::string who = "model server " + target().id + " (" + target().host_port + ")";
  if (connecting && !bodiless_ && only_guessed(*fleet_, request.target_model, target_)) {
    return refuse({Code::unavailable, "no model server is known to serve the model `" +
                                          std::string(request.target_model) + "`, and " + who +
                                          " could not be asked: " + met.error.message},
                  Outcome::End::upstream_failed);
  }
  refuse({timeout ? Code::timeout : Code::bad_gateway, who + ": " + met.error.message},
         Outcome::End::upstream_failed);
}

}  // namespace pointsman
