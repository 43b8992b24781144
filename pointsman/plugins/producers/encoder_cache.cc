#include "pointsman/plugins/producers/encoder_cache.h"

#include <algorithm>
#include <ranges>
#include <vector>

namespace pointsman {
namespace {

constexpr int kDefaultMegabytes = 4096;
constexpr int kMegabytesPerItem = 2;

std::string_view modality(PromptPart::Kind kind) {
  switch (kind) {
    case PromptPart::Kind::audio:
      return "audio";
    case PromptPart::Kind::video:
      return "video";
    default:
      return "image";
  }
}

// Each item once, with the kind of its last occurrence.
std::span<const MediaItem> distinct(std::span<const MediaItem> media, Arena& arena) {
  const auto out = arena.array<MediaItem>(media.size());
  std::size_t count = 0;
  for (const MediaItem& item : media) {
    const auto known = out.first(count);
    const auto found = std::ranges::find(known, item.hash, &MediaItem::hash);
    if (found == known.end()) {
      out[count++] = item;
    } else {
      found->kind = item.kind;
    }
  }
  return out.first(count);
}

}  // namespace

std::size_t EncoderCacheParams::items() const {
  int size = megabytes;
  if (size == kDefaultMegabytes && megabytes_alias > 0) size = megabytes_alias;
  if (size <= 0) size = kDefaultMegabytes;
  return static_cast<std::size_t>(std::max(1, size / kMegabytesPerItem));
}

EncoderCacheProducer::EncoderCacheProducer(const Params& params, Setup& setup)
    : capacity_(params.items()),
      prompt_(setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"})),
      match_(setup.writes<EncoderMatch>({"MultiModalEncoderCacheMatchInfoKey", setup.name().name})),
      items_(setup.keeps<Items>()),
      stripes_(std::make_unique<std::array<Stripe, kStripes>>()) {}

std::int32_t EncoderCacheProducer::held(EndpointKey endpoint,
                                        std::span<const MediaItem> items) const {
  const Stripe& mine = stripe(endpoint);
  const std::size_t at = endpoint.slot() / kStripes;
  const std::lock_guard lock(mine.mutex);
  if (at >= mine.servers.size() || mine.servers[at] == nullptr) return 0;
  const Server& server = *mine.servers[at];
  if (server.owner != endpoint) return 0;
  return static_cast<std::int32_t>(std::ranges::count_if(
      items, [&](const MediaItem& item) { return server.items.find({item.hash}) != nullptr; }));
}

Result<void> EncoderCacheProducer::produce(const Context& context,
                                           std::span<const EndpointIndex> candidates,
                                           Signals& signals) const {
  const TokenizedPrompt* const prompt = signals.read(prompt_);
  if (prompt == nullptr || prompt->media.empty()) return {};
  const auto items = distinct(prompt->media, signals.arena());
  signals.write(items_) = {.all = items};
  const auto column = signals.write(match_);
  for (const EndpointIndex e : candidates) {
    column[e] = {.matched = held(context.fleet[e].key, items),
                 .requested = static_cast<std::int32_t>(items.size())};
  }
  return {};
}

Result<void> EncoderCacheProducer::dispatched(const Context& context, const Decision& decision,
                                              Effects& effects) {
  const Items* const items = context.signals.read(items_);
  const auto targets = decision.targets();
  if (items == nullptr || targets.empty()) return {};
  const EncoderMatch& match = context.signals.read(match_)[targets.front()];
  effects.samples.add("encoder_cache_hit_ratio",
                      static_cast<double>(match.matched) / match.requested);
  for (const auto kind :
       {PromptPart::Kind::image, PromptPart::Kind::audio, PromptPart::Kind::video}) {
    const auto of_kind = [kind](const MediaItem& item) { return item.kind == kind; };
    const auto asked = std::ranges::count_if(items->all, of_kind);
    if (asked == 0) continue;
    effects.samples.add("encoder_cache_queries", static_cast<double>(asked), kNoEndpoint,
                        modality(kind));
    std::int32_t hits = 0;
    for (const MediaItem& item : items->all) {
      if (of_kind(item)) hits += held(context.fleet[targets.front()].key, std::span(&item, 1));
    }
    if (hits > 0) {
      effects.samples.add("encoder_cache_hits", hits, targets.front(), modality(kind));
    }
  }
  for (const EndpointIndex e : targets) {
    const EndpointKey key = context.fleet[e].key;
    Stripe& mine = stripe(key);
    const std::size_t at = key.slot() / kStripes;
    const std::lock_guard lock(mine.mutex);
    if (at >= mine.servers.size()) mine.servers.resize(at + 1);
    std::unique_ptr<Server>& server = mine.servers[at];
    if (server == nullptr || server->owner != key) {
      server = std::make_unique<Server>(capacity_);
      server->owner = key;
    }
    for (const MediaItem& item : items->all) server->items.touch({item.hash});
  }
  return {};
}

void EncoderCacheProducer::tend(const Fleet& fleet) {
  if (fleet.empty()) return;
  for (Stripe& each : *stripes_) {
    const std::lock_guard lock(each.mutex);
    for (std::unique_ptr<Server>& server : each.servers) {
      if (server != nullptr && !fleet.find(server->owner)) server.reset();
    }
  }
}

}  // namespace pointsman
