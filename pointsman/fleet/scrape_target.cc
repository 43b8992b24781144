#include "pointsman/fleet/scrape_target.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "pointsman/model/endpoint_protocol.h"
#include "pointsman/wire/address.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxPage = std::size_t{16} << 20U;
constexpr int kMaxDetours = 3;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Tries begin at multiples of this, so that several share a wake-up of the loop.
constexpr Clock::duration kMoment = Scraper::kMinInterval / 16;

Clock::duration part(Clock::duration whole, double share) {
  return std::chrono::duration_cast<Clock::duration>(whole * share);
}

bool redirects(int status) {
  constexpr std::array kStatuses{301, 302, 303, 307, 308};
  return std::ranges::find(kStatuses, status) != kStatuses.end();
}

// Where the page of the endpoint is; no address when that is not known.
struct Place {
  std::optional<Address> address;
  std::string host;  // for the Host field
};

Place place_of(const Endpoint& endpoint, const Poll& poll) {
  HostPort host{.host = endpoint.host, .port = endpoint.port};
  if (auto parsed = HostPort::parse(endpoint.metrics_host, endpoint.port)) {
    host = *std::move(parsed);
  }
  if (poll.port != 0) host = {.host = endpoint.host, .port = poll.port};
  Place place{.address = std::nullopt, .host = host.text()};
  const std::string& ip = host.host == endpoint.host ? endpoint.address : host.host;
  if (auto address = Address::parse(std::string_view(ip), host.port)) place.address = *address;
  return place;
}

}  // namespace

ScrapeTarget::ScrapeTarget(ScrapeContext& context, const ScrapeSource& source,
                           std::size_t source_index, std::shared_ptr<TlsContext> tls,
                           const Endpoint& endpoint)
    : context_(&context),
      source_(source_index),
      endpoint_(endpoint),
      path_(source.source->poll().path),
      timer_(context.loop, [this] { begin(); }) {
  const Poll& poll = source.source->poll();
  period_ = poll.interval > Clock::duration::zero() ? poll.interval : context.options.interval;
  period_ = std::max(period_, Scraper::kMinInterval);
  for (const ScrapeSource::Reader& reader : source.readers) {
    readers_.push_back(reader.extractor->reader(endpoint));
  }
  pages_.resize(readers_.size());
  problems_.assign(readers_.size(), kNone);

  const Place place = place_of(endpoint, poll);
  if (!place.address) return;  // the endpoint comes again when it has an address
  // A page elsewhere, or under a scheme of its own, has nothing to do with how requests go.
  const bool same_server = !poll.tls && place.host == HostPort{endpoint.host, endpoint.port}.text();
  target_ = {.address = *place.address,
             .tls = poll.tls.value_or(endpoint.tls) ? std::move(tls) : nullptr,
             .host = place.host,
             .http2 = same_server && speaks_http2(endpoint)};
  request_.target = path_;
  request_.fields.add("User-Agent", "pointsman");
  arm(Clock::now() + part(Scraper::kMinInterval, context.random.unit()));
}

void ScrapeTarget::begin() {
  began_ = Clock::now();
  detours_ = 0;
  ask();
}

void ScrapeTarget::ask() {
  bytes_ = 0;
  context_->client.start(call_, target_, request_, {}, *this);
}

void ScrapeTarget::on_head(const ResponseHead& head) {
  answered_ = Clock::now();
  if (head.status != 200) {
    call_.cancel();
    if (follow(head)) return;
    request_.target = path_;
    return give_up({Code::io, "unexpected status code from " + endpoint_.id + ": " +
                                  std::to_string(head.status)});
  }
  const auto encoding = head.fields.find("content-encoding");
  if (encoding && !same_name(*encoding, "identity")) {
    call_.cancel();
    return give_up({Code::io, "unexpected content encoding from " + endpoint_.id + ": " +
                                  std::string(*encoding)});
  }
  for (const auto& reader : readers_) reader->begin();
}

// Goes where a redirect points, on the same server; the next tries go there at once.
bool ScrapeTarget::follow(const ResponseHead& head) {
  const auto location = head.fields.find("location");
  if (!redirects(head.status) || !location || ++detours_ > kMaxDetours) return false;
  if (std::ranges::any_of(*location, [](char c) { return c <= ' ' || c == '#'; })) return false;
  if (answered_ - began_ >= context_->options.deadline) return false;
  if (location->starts_with('/') && !location->starts_with("//")) {
    request_.target = *location;
  } else {
    const auto url = Url::parse(*location);
    const bool here = url && url->host.text() == target_.host && url->tls == !!target_.tls;
    if (!here) return false;
    request_.target = url->path.empty() ? "/" : url->path;
    if (location->ends_with('/') && !request_.target.ends_with('/')) request_.target += '/';
  }
  ask();
  return true;
}

void ScrapeTarget::on_body(std::string_view bytes) {
  bytes_ += bytes.size();
  bool more = bytes_ <= kMaxPage;
  for (const auto& reader : readers_) more = reader->feed(bytes) && more;
  if (more) return;
  call_.cancel();
  give_up({Code::too_large, "the page of " + endpoint_.id + " is over a limit"});
}

void ScrapeTarget::on_end() {
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    const PageReading& reading = readers_[i]->finish();
    const bool news = std::exchange(problems_[i], reading.problems) != reading.problems;
    pages_[i] = {.reading = &reading, .reader = readers_[i].get(), .news = news};
  }
  context_->ended({.endpoint = endpoint_,
                   .source = source_,
                   .at = answered_,
                   .failures = std::exchange(failures_, 0),
                   .pages = pages_});
  wait_after_success();
}

void ScrapeTarget::on_failure(HttpFailure failure) {
  // A server may close a kept connection at any time; that says nothing about the server.
  const bool closed_between = failure.phase == HttpFailure::Phase::stale;
  if (closed_between && ++detours_ <= kMaxDetours) return ask();
  give_up({failure.error.code,
           "failed to fetch data from " + endpoint_.id + ": " + failure.error.message});
}

void ScrapeTarget::give_up(const Error& error) {
  context_->ended({.endpoint = endpoint_,
                   .source = source_,
                   .at = Clock::now(),
                   .failure = &error,
                   .failures = failures_++});
  wait_after_failure();
}

// Tries follow each other at the period's pace, whatever a try takes. The second one is put at a
// random moment, so that sources with a long period spread over it.
void ScrapeTarget::wait_after_success() {
  const Clock::time_point now = Clock::now();
  if (std::exchange(first_, false)) {
    due_ += part(period_, context_->random.unit());
  } else {
    due_ += period_;
  }
  if (due_ < now) due_ += (now - due_) / period_ * period_ + period_;
  arm(due_);
}

void ScrapeTarget::wait_after_failure() {
  constexpr std::size_t kMaxDoublings = 10;
  const Clock::duration doubled = period_ * (1 << std::min(failures_, kMaxDoublings));
  const Clock::duration longest = std::max(period_, context_->options.longest_wait);
  // A tenth of it is chance, so that endpoints that died together are not asked together.
  const double chance = 1.0 - 0.1 * context_->random.unit();
  arm(Clock::now() + part(std::min(doubled, longest), chance));
}

void ScrapeTarget::arm(Clock::time_point at) {
  const Clock::duration since = at.time_since_epoch() + kMoment - Clock::duration(1);
  due_ = Clock::time_point(since / kMoment * kMoment);
  timer_.arm_at(due_);
}

}  // namespace pointsman
