#include "pointsman/fleet/scraper.h"

#include <algorithm>
#include <string>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/scrape_target.h"

namespace pointsman {
namespace {

HttpClientOptions client_options(const Scraper::Options& options) {
  return {.connect = options.deadline,
          .total = options.deadline,
          .keep = std::chrono::seconds(60),
          .kept_per_target = 4,
          .head_bytes = 16 * 1024,
          .fields = 64};
}

// Whether the endpoint is read in the same way as before.
bool same_reading(const Endpoint& a, const Endpoint& b) {
  return a.host == b.host && a.address == b.address && a.port == b.port && a.tls == b.tls &&
         a.metrics_host == b.metrics_host && a.labels == b.labels;
}

}  // namespace

struct Scraper::State {
  struct Place {
    Endpoint endpoint;
    std::vector<std::unique_ptr<ScrapeTarget>> targets;  // one per source
  };

  State(Loop& loop, std::vector<ScrapeSource> from, const Options& options,
        std::function<void(const Scrape&)> ended)
      : sources(std::move(from)),
        client(loop, client_options(options)),
        context{loop, client, options, Random(entropy()), std::move(ended)} {}

  const std::vector<ScrapeSource> sources;
  // For this endpoint's page; null: without TLS.
  std::shared_ptr<TlsContext> tls_for(std::size_t source, const Endpoint& endpoint);
  Result<std::shared_ptr<TlsContext>> make_tls(const Poll& poll) const;

  std::vector<std::shared_ptr<TlsContext>> tls;  // one per source; null: not needed so far
  HttpClient client;
  ScrapeContext context;
  std::unordered_map<std::uint32_t, Place> places;  // by key
};

Result<std::shared_ptr<TlsContext>> Scraper::State::make_tls(const Poll& poll) const {
  const TlsClientOptions& unsaid = context.options.tls;
  return TlsContext::client({.verify = poll.verify.value_or(unsaid.verify),
                             .ca_file = poll.ca_file.empty() ? unsaid.ca_file : poll.ca_file,
                             .certificate_file = poll.certificate_file,
                             .key_file = poll.key_file});
}

std::shared_ptr<TlsContext> Scraper::State::tls_for(std::size_t source, const Endpoint& endpoint) {
  const Poll& poll = sources[source].source->poll();
  if (!poll.tls.value_or(endpoint.tls)) return nullptr;
  if (tls[source] == nullptr) {
    auto made = make_tls(poll);
    if (!made) bug(made.error().message);  // it names no file that could be wrong
    tls[source] = *std::move(made);
  }
  return tls[source];
}

Result<Scraper> Scraper::make(Loop& loop, std::vector<ScrapeSource> sources, Options options,
                              std::function<void(const Scrape&)> ended) {
  options.interval = std::max(options.interval, kMinInterval);
  auto state = std::make_unique<State>(loop, std::move(sources), options, std::move(ended));
  for (const ScrapeSource& source : state->sources) {
    const Poll& poll = source.source->poll();
    // The system's certificates are always there, and reading them takes a tenth of a second: that
    // waits for a server that speaks https.
    const bool files = !poll.ca_file.empty() || !poll.certificate_file.empty() ||
                       !poll.key_file.empty() || !state->context.options.tls.ca_file.empty();
    if (poll.tls == false || !files) {
      state->tls.push_back(nullptr);
      continue;
    }
    auto tls = state->make_tls(poll);
    if (!tls) return fail(Code::invalid_config, source.name.text() + ": " + tls.error().message);
    state->tls.push_back(*std::move(tls));
  }
  return Scraper(std::move(state));
}

Scraper::Scraper(std::unique_ptr<State> state) : state_(std::move(state)) {}

Scraper::~Scraper() = default;
Scraper::Scraper(Scraper&& other) noexcept = default;
Scraper& Scraper::operator=(Scraper&& other) noexcept = default;

void Scraper::set_endpoints(const std::vector<Endpoint>& endpoints) {
  std::unordered_map<std::uint32_t, State::Place> next;
  for (const Endpoint& endpoint : endpoints) {
    const auto old = state_->places.find(endpoint.key.value);
    if (old != state_->places.end() && same_reading(old->second.endpoint, endpoint)) {
      next.insert(state_->places.extract(old));
      continue;
    }
    State::Place place{.endpoint = endpoint, .targets = {}};
    for (std::size_t i = 0; i < state_->sources.size(); ++i) {
      place.targets.push_back(std::make_unique<ScrapeTarget>(
          state_->context, state_->sources[i], i, state_->tls_for(i, endpoint), endpoint));
    }
    next.emplace(endpoint.key.value, std::move(place));
  }
  state_->places = std::move(next);
}

std::uint64_t Scraper::connected() const {
  return state_->client.connected();
}

}  // namespace pointsman
