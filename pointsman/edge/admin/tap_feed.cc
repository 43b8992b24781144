#include "pointsman/edge/admin/tap_feed.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::size_t kBatch = 256;  // decisions shown before others on the loop have a turn

}  // namespace

TapFeed::TapFeed(Loop& loop, TapHub& hub)
    : loop_(loop), hub_(hub), self_(std::make_shared<TapFeed*>(this)) {
  hub_.on_news([&loop, self = self_] {
    loop.post([self] {
      if (*self != nullptr) (*self)->pump();
    });
  });
}

TapFeed::~TapFeed() {
  hub_.watch(false);
  *self_ = nullptr;
}

void TapFeed::serve(std::unique_ptr<HttpExchange> exchange) {
  std::string where(exchange->head().parameter("where"));
  std::ranges::replace(where, '+', ' ');
  auto filter = DecisionFilter::parse(percent_decoded(where));
  if (!filter) return exchange->respond(400, "where: " + filter.error().message);
  if (readers_.size() >= kMaxReaders) {
    return exchange->respond(503, "there are as many taps as there may be");
  }
  Reader& reader = readers_.emplace_back();
  reader.exchange = std::move(exchange);
  reader.filter = *std::move(filter);
  reader.exchange->when_gone([this, &reader] { forget(reader); });
  ResponseHead head;
  head.fields.add("Content-Type", "text/event-stream");
  head.fields.add("Cache-Control", "no-store");
  reader.exchange->start(head);
  reader.exchange->write(": decisions follow as they end\n\n");
  hub_.watch(true);
}

void TapFeed::pump() {
  const bool more =
      hub_.take(kBatch, [this](const Decision& d, const Outcome& outcome) { show(d, outcome); });
  if (!more) return;
  loop_.post([self = self_] {
    if (*self != nullptr) (*self)->pump();
  });
}

void TapFeed::show(const Decision& decision, const Outcome& outcome) {
  if (readers_.empty()) return;
  const DecisionFacts facts = facts_of(decision, outcome);
  std::string json;
  for (Reader& reader : readers_) {
    if (!reader.filter.matches(facts)) continue;
    if (reader.full) {
      ++reader.lost;
      hub_.lost(1);
      continue;
    }
    if (json.empty()) json = to_json(facts);
    const std::array<std::string_view, 3> parts{"data: ", json, "\n\n"};
    if (reader.exchange->write(parts)) continue;
    reader.full = true;
    reader.exchange->when_writable([this, &reader] { writable(reader); });
  }
}

void TapFeed::writable(Reader& reader) {
  reader.full = false;
  const std::uint64_t lost = std::exchange(reader.lost, 0);
  if (lost == 0) return;
  reader.exchange->write("event: lost\ndata: {\"lost\":" + std::to_string(lost) + "}\n\n");
}

void TapFeed::forget(const Reader& reader) {
  readers_.remove_if([&](const Reader& r) { return &r == &reader; });
  hub_.watch(!readers_.empty());
}

}  // namespace pointsman
