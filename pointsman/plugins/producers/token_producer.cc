#include "pointsman/plugins/producers/token_producer.h"

#include <algorithm>

#include "pointsman/config/duration.h"
#include "pointsman/plugins/producers/prefix_hash.h"
#include "pointsman/plugins/producers/token_stream.h"

namespace pointsman {
namespace {

Result<void> invalid(std::string_view what) {
  return fail(Code::invalid_config,
              "invalid configuration for 'token-producer' plugin: " + std::string(what));
}

Result<void> check_duration(std::string_view name, std::string_view text) {
  if (text.empty()) return {};
  const auto duration = parse_duration(text);
  if (duration) return {};
  return invalid("invalid '" + std::string(name) + "': " + duration.error().message);
}

bool is_media(const PromptPart& part) {
  return part.kind >= PromptPart::Kind::image;
}

// The images, audio and videos of all prompts.
std::span<const MediaItem> media_of(const Request& request, Arena& arena) {
  std::ptrdiff_t count = 0;
  for (const Prompt& prompt : request.prompts)
    count += std::ranges::count_if(prompt.parts, is_media);
  const auto items = arena.array<MediaItem>(static_cast<std::size_t>(count));
  auto next = items.begin();
  for (const Prompt& prompt : request.prompts) {
    for (const PromptPart& part : prompt.parts) {
      if (is_media(part)) *next++ = {.hash = xxh64(part.bytes), .kind = part.kind};
    }
  }
  return items;
}

}  // namespace

Result<void> TokenProducerParams::check(const TokenProducerParams& params) {
  const bool uds = params.uds && !params.uds->socket_file.empty();
  const int backends = int{params.vllm.has_value()} + int{uds} + int{params.estimate.has_value()};
  if (backends > 1) {
    return invalid("only one of 'estimate', 'vllm', or 'udsTokenizerConfig' may be set");
  }
  if (params.estimate) {
    const auto modes = params.estimate->check_modes();
    return modes ? modes : invalid(modes.error().message);
  }
  if ((params.vllm || uds) && params.model_name.empty()) {
    return invalid("'modelName' must be specified");
  }
  if (params.vllm) {
    if (auto ok = check_duration("timeout", params.vllm->timeout); !ok) return ok;
    if (auto ok = check_duration("mmTimeout", params.vllm->mm_timeout); !ok) return ok;
  }
  if (uds) {
    return invalid(
        "this build has no tokenizer over a Unix socket ('udsTokenizerConfig'); only 'estimate'");
  }
  if (params.vllm || !params.model_name.empty()) {
    return invalid("this build has no vLLM render back end ('vllm', 'modelName'); only 'estimate'");
  }
  return {};
}

TokenProducer::TokenProducer(Params params, Setup& setup)
    : estimate_(std::move(params.estimate).value_or(MediaEstimate{})),
      prompt_(setup.writes_cell<TokenizedPrompt>({"TokenizedPrompt", setup.name().name})) {}

Result<void> TokenProducer::produce(const Context& context,
                                    std::span<const EndpointIndex> /*candidates*/,
                                    Signals& signals) const {
  const std::span<const Prompt> prompts = resolved(context.request, signals.arena());
  std::int64_t tokens = 0;
  for (const Prompt& prompt : prompts) tokens += token_count(prompt);
  // A payload without a prompt leaves the signal absent.
  if (tokens <= 0) return {};
  signals.write(prompt_) = {
      .prompts = prompts, .tokens = tokens, .media = media_of(context.request, signals.arena())};
  return {};
}

// The prompts with every image, audio and video replaced by as many tokens as it is worth.
std::span<const Prompt> TokenProducer::resolved(const Request& request, Arena& arena) const {
  const bool media = std::ranges::any_of(
      request.prompts, [](const Prompt& p) { return std::ranges::any_of(p.parts, is_media); });
  if (!media) return request.prompts;
  const auto prompts = arena.array<Prompt>(request.prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto parts = arena.array<PromptPart>(request.prompts[i].parts.size());
    std::ranges::copy(request.prompts[i].parts, parts.begin());
    for (PromptPart& part : parts) {
      if (!is_media(part)) continue;
      part = {.kind = PromptPart::Kind::repeat,
              .token = static_cast<std::uint32_t>(xxh64(part.bytes)),
              .count = part.count > 0 ? part.count : media_tokens(estimate_, part, request)};
    }
    prompts[i].parts = parts;
  }
  return prompts;
}

}  // namespace pointsman
