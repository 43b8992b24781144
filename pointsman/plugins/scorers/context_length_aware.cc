#include "pointsman/plugins/scorers/context_length_aware.h"

#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

double score_in(const LengthRange& range, std::int64_t length) {
  const auto width = static_cast<double>(range.high - range.low);
  if (width == 0.0) return 1.0;
  const double raw =
      0.7 / (1.0 + width / 10'000.0) + 0.3 * static_cast<double>(range.high - length) / width;
  return 0.3 + 0.7 * raw;
}

double score_of(const LengthRange& range, std::int64_t length) {
  if (length >= range.low && length <= range.high) return score_in(range, length);
  const std::int64_t off = length < range.low ? range.low - length : length - range.high;
  return 0.3 / (1.0 + static_cast<double>(off) / 1000.0);
}

constexpr double kAnyLength = 0.5;
constexpr double kUnreadable = 0.0;

}  // namespace

std::optional<LengthRange> LengthRange::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto low = number_in<std::int64_t>(trim(text.substr(0, dash)));
  const auto high = number_in<std::int64_t>(trim(text.substr(dash + 1)));
  // A second dash would make `high` negative.
  if (!low || !high || *low < 0 || *high < *low) return std::nullopt;
  return LengthRange{*low, *high};
}

Result<void> ContextLengthParams::check(const ContextLengthParams& params) {
  if (!params.label.empty()) return {};
  return fail(Code::invalid_config,
              "invalid configuration for 'context-length-aware' plugin: 'label' must be specified");
}

ContextLengthAware::ContextLengthAware(Params params, Setup& setup)
    : label_(std::move(params.label)),
      filtering_(params.filtering),
      prompt_(setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"})) {}

std::int64_t ContextLengthAware::length(const Context& context) const {
  const TokenizedPrompt* const prompt = context.signals.read(prompt_);
  return prompt == nullptr ? 0 : prompt->tokens;
}

std::span<const ContextLengthAware::Meant> ContextLengthAware::meant(const Context& context) const {
  return meant_.of(context.fleet, [this](const Endpoint& endpoint) {
    const std::string* const label = endpoint.label(label_);
    if (label == nullptr) return Meant{};
    const auto range = LengthRange::parse(*label);
    return range ? Meant{Meant::For::range, *range} : Meant{.what = Meant::For::unreadable};
  });
}

void ContextLengthAware::filter(const Context& context, Candidates& candidates) const {
  if (!filtering_) return;
  const std::int64_t tokens = length(context);
  const auto all = meant(context);
  candidates.keep_if(DropReason::context_length, [&](EndpointIndex e) {
    if (all[e].what != Meant::For::range) return all[e].what == Meant::For::any_length;
    return tokens >= all[e].range.low && tokens <= all[e].range.high;
  });
}

void ContextLengthAware::score(const Context& context, std::span<const EndpointIndex> candidates,
                               std::span<double> out) const {
  const std::int64_t tokens = length(context);
  const auto all = meant(context);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Meant& one = all[candidates[i]];
    if (one.what == Meant::For::range) {
      out[i] = score_of(one.range, tokens);
    } else {
      out[i] = one.what == Meant::For::any_length ? kAnyLength : kUnreadable;
    }
  }
}

}  // namespace pointsman
