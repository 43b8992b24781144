#include "pointsman/app/replay_pipeline.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <string_view>
#include <utility>

#include "pointsman/app/builtin.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/stage/inputs.h"
#include "pointsman/stage/predicted_prefix.h"

namespace pointsman {
namespace {

constexpr std::string_view kMatchKey = "PrefixCacheMatchInfoDataKey/";
constexpr std::uint32_t kMostMedia = 65'536;
constexpr std::size_t kForeignPlaces = 16;  // columns of matches that a pipeline does not read

}  // namespace

ReplayPipeline::ReplayPipeline(std::unique_ptr<Metrics> metrics, Assembly assembly)
    : metrics_(std::move(metrics)),
      assembly_(std::move(assembly)),
      places_(assembly_.plugins->signals().size() + kForeignPlaces) {}

Result<std::unique_ptr<ReplayPipeline>> ReplayPipeline::assembled(
    std::expected<LoadedConfig, Diagnostics> loaded) {
  const auto first = [](const Diagnostics& problems) {
    return fail(Code::invalid_config, problems.front().text);
  };
  if (!loaded) return first(loaded.error());
  auto metrics = std::make_unique<Metrics>();
  // The router that recorded was allowed to use them.
  auto assembly = assemble(*std::move(loaded), builtin_plugins(), *metrics, builtin_options(true));
  if (!assembly) return first(assembly.error());
  return std::unique_ptr<ReplayPipeline>(
      new ReplayPipeline(std::move(metrics), *std::move(assembly)));
}

Result<std::unique_ptr<ReplayPipeline>> ReplayPipeline::make(const std::string& yaml) {
  return assembled(load_config(yaml));
}

Result<std::unique_ptr<ReplayPipeline>> ReplayPipeline::from_file(const std::string& path) {
  return assembled(load_config_file(path));
}

ReplayPipeline::Binding ReplayPipeline::bind(const InputSchema& recorded) const {
  Binding binding;
  const InputSchema& mine = *assembly_.inputs;
  std::size_t next_foreign = places_ - kForeignPlaces;
  for (const SignalColumn& column : recorded.columns) {
    const auto found = std::ranges::find_if(mine.columns, [&](const SignalColumn& c) {
      return c.key == column.key && same_form(c, column);
    });
    const SignalColumn* place = found == mine.columns.end() ? nullptr : &*found;
    const SignalColumn match{.per_endpoint = true, .shape = &shape_of<PrefixMatch>()};
    if (column.key.starts_with(kMatchKey) && same_form(column, match)) {
      if (place == nullptr && next_foreign < places_) {
        binding.foreign.push_back(match);
        binding.foreign.back().place = static_cast<std::uint16_t>(next_foreign++);
        place = &binding.foreign.back();
      }
      if (place != nullptr) binding.matches.push_back({place->place});
    }
    binding.places.push_back(place);
  }
  for (const SignalColumn& column : mine.columns) {
    if (std::ranges::find(binding.places, &column) == binding.places.end()) {
      binding.missing.push_back(column.key);
    }
  }
  std::ranges::set_difference(mine.headers, recorded.headers, std::back_inserter(binding.headers));
  return binding;
}

ReplayWorker::ReplayWorker(const ReplayPipeline& pipeline)
    : pipeline_(pipeline), shard_(pipeline.metrics(), pipeline.metrics().add_shard()) {}

bool ReplayWorker::decide(const ReplayPipeline::Binding& binding,
                          const RecordedDecision& recorded) {
  const Decision& was = recorded.decision;
  const Inputs& inputs = was.inputs;
  if (!inputs.taken || !inputs.exact) return false;
  headers_.clear();
  std::string_view texts = inputs.header_text;
  for (std::size_t h = 0; h < inputs.header_sizes.size(); ++h) {
    if (inputs.header_sizes[h] < 0) continue;
    const auto size = static_cast<std::size_t>(inputs.header_sizes[h]);
    headers_.push_back({inputs.schema->headers[h], texts.substr(0, size)});
    texts.remove_prefix(size);
  }
  // Of the prompt, plugins may ask which media it has, and nothing else.
  const PromptPrint& print = inputs.print;
  media_.clear();
  const auto add = [&](PromptPart::Kind kind, std::uint32_t count) {
    media_.insert(media_.end(), std::min(count, kMostMedia), {.kind = kind});
  };
  add(PromptPart::Kind::image, print.images);
  add(PromptPart::Kind::audio, print.audios);
  add(PromptPart::Kind::video, print.videos);
  const Prompt prompt{.parts = media_};
  const Request request{.id = was.request_id,
                        .model = was.model,
                        .target_model = was.target_model,
                        .path = inputs.path,
                        .headers = headers_,
                        .prompts = {&prompt, print.prompts > 0 ? 1U : 0U},
                        .fairness_id = inputs.fairness_id,
                        .priority = was.priority,
                        .stream = inputs.stream,
                        .max_output_tokens = inputs.max_output_tokens,
                        .body_bytes = was.body_bytes,
                        .received = inputs.received};
  arena_.reset();
  signals_.reset(arena_, pipeline_.places(), was.fleet->size());
  if (!restore_columns(inputs, *was.fleet, binding.places, signals_)) return false;
  decision_.reset();
  decision_.id = was.id;
  decision_.at = was.at;
  decision_.seed = was.seed;
  decision_.fleet = was.fleet;
  Trace off;
  const Context context{request, *was.fleet, signals_, off, was.at, inputs.stale_before};
  try {
    // Filters that leave nothing are a result like any other: the runs tell.
    (void)pipeline_.scheduler().schedule(context, inputs.candidates, decision_, shard_);
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

std::int64_t ReplayWorker::predicted(const ReplayPipeline::Binding& binding,
                                     EndpointIndex e) const {
  return predicted_cached_tokens(signals_, binding.matches, e);
}

}  // namespace pointsman
