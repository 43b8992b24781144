#include "pointsman/sim/fault.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace pointsman {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, FaultKind>, 10> kNames = {{
    {"clear", FaultKind::clear},
    {"dead", FaultKind::dead},
    {"hang", FaultKind::hang},
    {"slow", FaultKind::slow},
    {"cut-stream", FaultKind::cut_stream},
    {"cache-loss", FaultKind::cache_loss},
    {"error", FaultKind::error},
    {"metrics-garbage", FaultKind::metrics_garbage},
    {"metrics-endless", FaultKind::metrics_endless},
    {"metrics-hang", FaultKind::metrics_hang},
}};

// The number `name` of the body, or `otherwise`; false when it is there and not in the range.
bool read(const json& body, const char* name, double least, double most, double& out) {
  const auto found = body.find(name);
  if (found == body.end()) return true;
  if (!found->is_number()) return false;
  out = found->get<double>();
  return out >= least && out <= most;
}

Result<FaultKind> kind_of(const json& body) {
  const auto name = body.is_object() ? body.find("fault") : body.end();
  if (name != body.end() && name->is_string()) {
    const auto found =
        std::ranges::find(kNames, std::string_view(name->get_ref<const std::string&>()),
                          &std::pair<std::string_view, FaultKind>::first);
    if (found != kNames.end()) return found->second;
  }
  std::string known;
  for (const auto& [text, kind] : kNames) known.append(known.empty() ? "" : ", ").append(text);
  return fail(Code::bad_request, "fault: must be one of " + known);
}

}  // namespace

Result<FaultOrder> parse_fault(std::string_view text) {
  const json body = json::parse(text, nullptr, /*allow_exceptions=*/false);
  POINTSMAN_TRY(kind, kind_of(body));
  FaultOrder order{.kind = kind};
  double tokens = order.tokens;
  double status = order.status;
  double seconds = 0;
  double server = -1;
  if (!read(body, "factor", 1, 1e6, order.factor)) {
    return fail(Code::bad_request, "factor: must be between 1 and 1000000");
  }
  if (!read(body, "tokens", 0, 1e6, tokens)) {
    return fail(Code::bad_request, "tokens: must be between 0 and 1000000");
  }
  if (!read(body, "status", 400, 599, status)) {
    return fail(Code::bad_request, "status: must be between 400 and 599");
  }
  if (!read(body, "seconds", 1e-3, 1e6, seconds)) {
    return fail(Code::bad_request, "seconds: must be between 0.001 and 1000000");
  }
  if (!read(body, "server", 0, 1e6, server)) {
    return fail(Code::bad_request, "server: must be the number of a server, from 0");
  }
  order.tokens = static_cast<std::uint32_t>(tokens);
  order.status = static_cast<int>(status);
  if (seconds > 0) {
    order.lasts =
        std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
  }
  if (server >= 0) order.server = static_cast<std::size_t>(server);
  return order;
}

std::string_view fault_name(FaultKind kind) {
  return std::ranges::find(kNames, kind, &std::pair<std::string_view, FaultKind>::second)->first;
}

void ActiveFaults::add(const FaultOrder& order) {
  switch (order.kind) {
    case FaultKind::clear:
    case FaultKind::cache_loss:
      return;
    case FaultKind::dead:
      dead = true;
      return;
    case FaultKind::hang:
      hang = true;
      return;
    case FaultKind::slow:
      slow = order.factor;
      return;
    case FaultKind::cut_stream:
      cut_after = order.tokens;
      return;
    case FaultKind::error:
      error = order.status;
      return;
    case FaultKind::metrics_garbage:
    case FaultKind::metrics_endless:
    case FaultKind::metrics_hang:
      metrics = order.kind;
      return;
  }
}

std::string ActiveFaults::json() const {
  nlohmann::json out = nlohmann::json::object();
  if (dead) out["dead"] = true;
  if (hang) out["hang"] = true;
  if (slow != 1) out["slow"] = slow;
  if (cut_after) out["cut-stream"] = *cut_after;
  if (error) out["error"] = *error;
  if (metrics != FaultKind::clear) out[fault_name(metrics)] = true;
  return out.dump();
}

}  // namespace pointsman
