#include "pointsman/edge/admin/admin.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "pointsman/base/gzip.h"
#include "pointsman/base/text.h"
#include "pointsman/record/decision_json.h"
#include "pointsman/telemetry/exposition.h"

namespace pointsman {
namespace {

constexpr std::size_t kDefaultLimit = 20;
constexpr std::size_t kMostDecisions = 512;

bool is_loopback(const Address& peer) {
  if (!peer.v6) return peer.ip[0] == 127;
  const bool zeros =
      std::all_of(peer.ip.begin(), peer.ip.begin() + 15, [](auto b) { return b == 0; });
  return zeros && peer.ip[15] == 1;
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

// Whether the client takes an answer in gzip (RFC 9110 section 12.5.3).
bool takes_gzip(const RequestHead& head) {
  std::string_view codings = head.fields.find("accept-encoding").value_or(std::string_view());
  while (!codings.empty()) {
    std::string_view parameters = take_part(codings, ',');
    if (to_lower(trim(take_part(parameters, ';'))) != "gzip") continue;
    const std::string_view weight = trim(parameters);
    return !weight.starts_with("q=") || number_in<double>(weight.substr(2)).value_or(1) > 0;
  }
  return false;
}

// A page is mostly names, which compress to a tenth or less.
void respond_metrics(HttpExchange& exchange, const Metrics& metrics) {
  ResponseHead head;
  head.fields.add("Content-Type", kExpositionType);
  head.fields.add("Vary", "Accept-Encoding");
  const std::string page = metrics.expose();
  const auto small = takes_gzip(exchange.head()) ? gzip(page) : std::nullopt;
  if (small) head.fields.add("Content-Encoding", "gzip");
  exchange.respond(std::move(head), small ? *small : page);
}

void respond_json(HttpExchange& exchange, std::string body) {
  ResponseHead head;
  head.fields.add("Content-Type", "application/json");
  body += '\n';
  exchange.respond(std::move(head), body);
}

}  // namespace

AdminServer::AdminServer(Loop& loop, AdminSources sources)
    : sources_(std::move(sources)),
      own_name_(machine_name()),
      fleet_(sources_.fleets),
      taps_(loop, sources_.taps),
      server_(loop, {.refusals = sources_.refusals},
              [this](std::unique_ptr<HttpExchange> exchange) { take(std::move(exchange)); }) {}

void AdminServer::take(std::unique_ptr<HttpExchange> exchange) {
  const RequestHead& head = exchange->head();
  if (head.path() != "/tap" || head.method != "GET" || !barred(*exchange).empty()) {
    return answer(*exchange);
  }
  taps_.serve(std::move(exchange));
}

std::string_view AdminServer::barred(const HttpExchange& exchange) const {
  const auto given = exchange.head().fields.find("authorization");
  if (given && sources_.tokens != nullptr && sources_.tokens->admits(*given)) return {};
  if (!is_loopback(exchange.peer())) {
    return sources_.tokens != nullptr ? "needs the token of --admin-token-file"
                                      : "only for clients on this machine, or with the token of "
                                        "--admin-token-file";
  }
  const auto host = exchange.head().fields.find("host");
  if (!host || host->empty() || named_as_own(*host)) return {};
  return "the Host is none of this machine's names: ask for localhost or an IP address";
}

bool AdminServer::named_as_own(std::string_view host) const {
  const auto parts = HostPort::parse(host, 1);
  if (!parts) return false;
  const std::string_view name = parts->host;
  const std::string_view own = own_name_;
  return Address::parse(name, 1) || same_name(name, "localhost") ||
         (!own.empty() && (same_name(name, own) || same_name(name, own.substr(0, own.find('.')))));
}

void AdminServer::answer(HttpExchange& exchange) {
  const RequestHead& head = exchange.head();
  const std::string_view path = head.path();
  const bool state_page = path == "/debug/plugins/state" && sources_.plugin_state;
  if (head.method != "GET" && (head.method != "HEAD" || state_page)) {
    ResponseHead refused{.status = 405};
    refused.fields.add("Allow", state_page ? "GET" : "GET, HEAD");
    refused.fields.add("Content-Type", "text/plain");
    return exchange.respond(std::move(refused), "method not allowed\n");
  }
  if (path == "/metrics") return respond_metrics(exchange, sources_.metrics);
  if (path == "/healthz") return exchange.respond(200, "ok");
  if (path == "/readyz") {
    const bool ready = sources_.ready();
    return exchange.respond(ready ? 200 : 503, ready ? "ok" : "not ready: draining");
  }
  const bool private_page = state_page || path == "/tap" || path == "/endpoints" ||
                            path == "/decisions" || path.starts_with("/decisions/");
  if (private_page) {
    if (const std::string_view why = barred(exchange); !why.empty()) {
      return exchange.respond(403, why);
    }
  }
  if (path == "/endpoints") {
    return respond_json(exchange, fleet_json(*fleet_.get(), Clock::now(), sources_.gates));
  }
  if (state_page) return respond_json(exchange, sources_.plugin_state());
  if (private_page) return answer_decisions(exchange, path);
  exchange.respond(
      404,
      "try /metrics, /healthz, /readyz, /endpoints, /decisions, /decisions/<id>, /tap or "
      "/debug/plugins/state");
}

void AdminServer::answer_decisions(HttpExchange& exchange, std::string_view path) {
  constexpr std::string_view kPrefix = "/decisions/";
  if (path.starts_with(kPrefix)) {
    const std::string_view wanted = path.substr(kPrefix.size());
    std::optional<DecisionRing::Kept> found;
    if (wanted == "last") {
      const auto newest = sources_.decisions.newest(1);
      if (!newest.empty()) found = newest[0];
    } else {
      const auto id = number_in<std::uint64_t>(wanted, 16);
      if (!id || wanted.size() != 16) {
        return exchange.respond(400, "a decision id has 16 hexadecimal digits");
      }
      found = sources_.decisions.find(*id);
    }
    if (!found) return exchange.respond(404, "no such decision; the newest 512 are kept");
    return respond_json(exchange, decision_json(*found->decision, found->outcome));
  }
  const std::string_view text = exchange.head().parameter("limit");
  const auto limit = text.empty() ? kDefaultLimit : number_in<std::size_t>(text).value_or(0);
  if (limit == 0) return exchange.respond(400, "limit must be a number from 1");
  std::string json = R"({"decisions":[)";
  bool first = true;
  for (const auto& kept : sources_.decisions.newest(std::min(limit, kMostDecisions))) {
    if (!first) json += ',';
    first = false;
    json += decision_summary_json(*kept.decision, kept.outcome);
  }
  respond_json(exchange, json + "]}");
}

}  // namespace pointsman
