#include "pointsman/plugins/producers/session_affinity.h"

#include <algorithm>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/plugins/producers/base64.h"

namespace pointsman {
namespace {

constexpr std::string_view kEncoded = "encoded_endpoint_header";
constexpr std::string_view kSessionId = "session_id";
constexpr std::string_view kDefaultHeader = "x-session-token";
constexpr std::string_view kDefaultSource = "x-session-id";
constexpr double kDefaultTtl = 300.0;
constexpr double kDefaultSweep = 10.0;

std::string header_name(std::string_view written) {
  const std::string name = to_lower(trim(written, kLineBlank));
  return name.empty() ? std::string(kDefaultHeader) : name;
}

Clock::duration seconds(double written, double otherwise) {
  const double value = written == 0.0 ? otherwise : written;
  constexpr double kMost = 1e9;  // keeps the product within 64 bits
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(std::min(value, kMost)));
}

Result<void> positive(std::string_view name, double value) {
  if (value >= 0.0) return {};  // 0 means the default
  return fail(Code::invalid_config, "sessionIdConfig." + std::string(name) + " must be > 0, got " +
                                        std::to_string(value));
}

}  // namespace

Result<void> SessionAffinityParams::check(const SessionAffinityParams& params) {
  if (params.strategy != kEncoded && params.strategy != kSessionId) {
    return fail(Code::invalid_config,
                "strategy must be \"encoded_endpoint_header\" or \"session_id\", got \"" +
                    params.strategy + "\"");
  }
  if (params.strategy == kEncoded) return {};
  for (std::size_t i = 0; i < params.session.sources.size(); ++i) {
    const Source& source = params.session.sources[i];
    if (source.header.empty() != source.attribute.empty()) continue;
    return fail(Code::invalid_config, "sources[" + std::to_string(i) +
                                          "]: exactly one of header or attribute must be set");
  }
  if (auto ok = positive("evictionTtlSeconds", params.session.ttl_seconds); !ok) return ok;
  return positive("evictionSweepSeconds", params.session.sweep_seconds);
}

SessionAffinity::SessionAffinity(const SessionAffinityParams& params, Setup& setup,
                                 std::shared_ptr<SessionBindings> bindings)
    : instance_(setup.name().name),
      encoded_(params.strategy == kEncoded),
      header_(header_name(params.encoded.header)),
      profile_(params.profile),
      ttl_(seconds(params.session.ttl_seconds, kDefaultTtl)),
      sweep_every_(seconds(params.session.sweep_seconds, kDefaultSweep)),
      target_(setup.writes_cell<SessionTarget>({"SessionTarget", setup.name().name})),
      bindings_(std::move(bindings)) {
  if (encoded_) return;
  for (const SessionAffinityParams::Source& source : params.session.sources) {
    Source own;
    if (source.header.empty()) {
      own.attribute =
          setup.reads_cell_if_there<SessionId>(DataKey{source.attribute, source.producer});
    } else {
      own.header = header_name(source.header);
    }
    sources_.push_back(std::move(own));
  }
  if (sources_.empty())
    sources_.push_back({.header = std::string(kDefaultSource), .attribute = {}});
}

void SessionAffinity::read(const Context& context, Signals& signals) const {
  signals.write(target_) = encoded_ ? decoded(context) : remembered(context);
}

EndpointIndex SessionAffinity::target(const Context& context) const {
  const SessionTarget* const target = context.signals.read(target_);
  return target == nullptr ? kNoEndpoint : target->endpoint;
}

SessionTarget SessionAffinity::decoded(const Context& context) const {
  constexpr std::size_t kMaxToken = 4096;
  const std::string_view token = context.request.header(header_);
  if (token.empty() || token.size() > kMaxToken) return {};
  const auto id = base64_decode(token, context.signals.arena());
  if (!id) return {};
  const auto& endpoints = context.fleet.endpoints();
  const auto found = std::ranges::find(endpoints, *id, &Endpoint::id);
  if (found == endpoints.end()) return {};
  return {.endpoint = static_cast<EndpointIndex>(found - endpoints.begin())};
}

SessionTarget SessionAffinity::remembered(const Context& context) const {
  const std::string_view id = session(context);
  if (id.empty()) return {};
  const auto bound = bindings_->find(id);
  if (!bound) return {};
  return {.endpoint = context.fleet.find(*bound).value_or(kNoEndpoint), .bound = true};
}

std::string_view SessionAffinity::session(const Context& context) const {
  for (const Source& source : sources_) {
    std::string_view id;
    if (!source.header.empty()) {
      id = trim(context.request.header(source.header), kLineBlank);
    } else if (const SessionId* const found = context.signals.read(source.attribute)) {
      id = trim(found->id, kLineBlank);
    }
    if (!id.empty()) return id;
  }
  return {};
}

const ProfileRun* SessionAffinity::run(const Decision& decision) const {
  for (std::size_t i = 0; i < decision.runs.size(); ++i) {
    const ProfileRun& each = decision.runs[i];
    const bool wanted = profile_.empty() ? static_cast<std::int32_t>(i) == decision.primary
                                         : decision.plan->profiles[each.profile].name == profile_;
    if (wanted && !decision.picks_of(each).empty()) return &each;
  }
  return nullptr;
}

// Whether the endpoint was there to choose when this plugin was asked: it survived the filters, or
// only one that came later took it out.
bool SessionAffinity::was_present(const Decision& decision, const ProfileRun& run,
                                  EndpointIndex e) const {
  const auto survivors = decision.candidates_of(run);
  if (std::ranges::find(survivors, e) != survivors.end()) return true;
  const auto& filters = decision.plan->profiles[run.profile].filters;
  const auto mine = std::ranges::find_if(
      filters, [&](const Plan::Filter& filter) { return filter.name.name == instance_; });
  if (mine == filters.end()) return false;
  return std::ranges::any_of(decision.drops_of(run), [&](const Drop& drop) {
    return drop.endpoint == e && drop.filter != Drop::kBeforeFilters &&
           drop.filter > mine - filters.begin();
  });
}

void SessionAffinity::dispatched(const Context& context, const Decision& decision) {
  if (encoded_) return;
  const std::string_view id = session(context);
  const ProfileRun* const chosen = run(decision);
  const SessionTarget* const seen = context.signals.read(target_);
  if (id.empty() || chosen == nullptr || seen == nullptr) return;
  const EndpointIndex pick = decision.picks_of(*chosen).front();
  // Two first requests of one session may race: only one that saw the binding may change it.
  const bool may_move = seen->bound && !was_present(decision, *chosen, seen->endpoint);
  bindings_->served(id, context.fleet[pick].key, may_move, context.now);
}

void SessionAffinity::answered(const Context& context, const Decision& decision,
                               HeaderEdits& response) const {
  if (!encoded_) return;
  const ProfileRun* const chosen = run(decision);
  if (chosen == nullptr) return;
  const EndpointIndex pick = decision.picks_of(*chosen).front();
  response.set(header_, base64_encode(context.fleet[pick].id, context.signals.arena()));
}

void SessionAffinity::sweep(Clock::time_point now) {
  if (encoded_ || now < next_sweep_) return;
  next_sweep_ = now + sweep_every_;
  bindings_->expire(now - ttl_);
}

}  // namespace pointsman
