#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "pointsman/plugins/producers/lru_table.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct EncoderCacheParams {
  int megabytes = 4096;
  int megabytes_alias = 0;

  static constexpr auto fields() {
    using P = EncoderCacheParams;
    return std::tuple{
        field("cacheSizeInMBPerServer", &P::megabytes,
              "Size of a server's encoder cache, at 2 MB an item; below 1: 4096."),
        field("cacheSizeInMB", &P::megabytes_alias,
              "Another name of cacheSizeInMBPerServer, for old documents."),
    };
  }
  // Images, sounds and videos remembered per endpoint.
  std::size_t items() const;
};

// Guesses which endpoints hold a request's images, sounds and videos in their encoder caches, from
// where earlier requests were sent (spec/05 section 12).
class EncoderCacheProducer final : public Producer, public Hook, public Upkeep {
 public:
  using Params = EncoderCacheParams;
  static constexpr std::string_view kType = "mm-embeddings-cache-producer";
  static constexpr std::string_view kHelp =
      "Guesses which endpoints hold a request's images, sounds and videos encoded.";

  EncoderCacheProducer(const Params& params, Setup& setup);
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;
  // Forgets endpoints that have left.
  void tend(const Fleet& fleet) override;

 private:
  struct Held {
    std::uint8_t unused = 0;
  };
  // One endpoint's items. `owner` tells whose they are, as a slot is used again.
  struct Server {
    explicit Server(std::size_t capacity) : items(capacity) {}
    EndpointKey owner;
    LruTable<Held> items;
  };
  static constexpr std::size_t kStripes = 64;
  struct Stripe {
    mutable std::mutex mutex;
    std::vector<std::unique_ptr<Server>> servers;  // by slot / kStripes
  };
  struct Items {
    std::span<const MediaItem> all;  // distinct
  };

  Stripe& stripe(EndpointKey endpoint) const { return (*stripes_)[endpoint.slot() % kStripes]; }
  std::int32_t held(EndpointKey endpoint, std::span<const MediaItem> items) const;

  std::size_t capacity_;
  Cell<TokenizedPrompt> prompt_;
  Column<EncoderMatch> match_;
  Cell<Items> items_;
  std::unique_ptr<std::array<Stripe, kStripes>> stripes_;
};

}  // namespace pointsman
