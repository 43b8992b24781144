#include "pointsman/plugins/producers/media_estimate.h"

#include <algorithm>
#include <cmath>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr Resolution kDefaultResolution{.width = 640, .height = 360};
constexpr std::int64_t kDefaultFactor = 1024;
constexpr double kDefaultDuration = 10.0;
constexpr double kDefaultSampleFps = 2.0;
constexpr double kDefaultSourceFps = 24.0;
// A part stands for no more tokens than this, whatever headers claim.
constexpr std::int64_t kMostTokens = 1 << 20U;

template <typename T>
std::optional<T> positive(std::string_view text) {
  const auto value = number_in<T>(trim(text));
  return value && *value > T{} && std::isfinite(*value) ? value : std::nullopt;
}

double header_or(const Request& request, std::string_view name, double configured,
                 double otherwise) {
  const double fallback = configured > 0.0 ? configured : otherwise;
  return positive<double>(request.header(name)).value_or(fallback);
}

std::int64_t pixels_per(const Resolution& size, const PixelFactor& factor) {
  const std::int64_t pixels = std::int64_t{size.width} * size.height;
  return pixels / (factor.factor > 0 ? factor.factor : kDefaultFactor);
}

Resolution or_default(const Resolution& configured) {
  return configured.width > 0 && configured.height > 0 ? configured : kDefaultResolution;
}

std::int64_t image_tokens(const ImageEstimate& image, std::string_view content) {
  if (image.mode == "static") return image.fixed.tokens;
  const auto size = image_resolution(content);
  return pixels_per(size ? *size : or_default(image.default_resolution), image.dynamic);
}

// A number of frames from seconds and rates; bounded, since headers are not to be trusted.
std::int64_t whole(double frames) {
  return static_cast<std::int64_t>(std::min(frames, static_cast<double>(kMostTokens)));
}

std::int64_t frame_count(const VideoEstimate& video, const Request& request) {
  const FrameCount& frames = video.frames;
  const double duration = header_or(request, "x-llm-d-video-duration-seconds",
                                    video.default_duration, kDefaultDuration);
  const auto clamped = [&frames](std::int64_t count) {
    count = std::max<std::int64_t>(count, frames.min_frames);
    return frames.max_frames > 0 ? std::min<std::int64_t>(count, frames.max_frames) : count;
  };
  if (frames.mode == "strided") {
    const double fps =
        header_or(request, "x-llm-d-video-fps", frames.strided.source_fps, kDefaultSourceFps);
    return clamped(whole(duration * fps) / std::max(frames.strided.stride, 1));
  }
  const double fps = frames.sampled.fps > 0.0 ? frames.sampled.fps : kDefaultSampleFps;
  return clamped(whole(duration * fps)) / std::max(frames.sampled.patch, 1);
}

std::int64_t video_tokens(const VideoEstimate& video, const Request& request) {
  std::int64_t per_frame = video.tokens_per_frame.fixed.tokens;
  if (video.tokens_per_frame.mode != "static") {
    const auto size = parse_resolution(request.header("x-llm-d-video-resolution"));
    per_frame = pixels_per(size ? *size : or_default(video.default_resolution),
                           video.tokens_per_frame.dynamic);
  }
  const std::int64_t tokens =
      std::clamp<std::int64_t>(frame_count(video, request), 1, kMostTokens) *
      std::clamp<std::int64_t>(per_frame, 1, kMostTokens);
  return video.max_tokens > 0 ? std::min(tokens, video.max_tokens) : tokens;
}

Result<void> check_mode(std::string_view name, std::string_view mode, std::string_view first,
                        std::string_view second) {
  if (mode.empty() || mode == first || mode == second) return {};
  return fail(Code::invalid_config, std::string(name) + " must be \"" + std::string(first) +
                                        "\" or \"" + std::string(second) + "\"");
}

}  // namespace

Result<void> MediaEstimate::check_modes() const {
  if (auto ok = check_mode("estimate.image.mode", image.mode, "dynamic", "static"); !ok) return ok;
  if (auto ok = check_mode("estimate.video.tokensPerFrame.mode", video.tokens_per_frame.mode,
                           "dynamic", "static");
      !ok) {
    return ok;
  }
  return check_mode("estimate.video.frames.mode", video.frames.mode, "sampled", "strided");
}

std::optional<Resolution> parse_resolution(std::string_view text) {
  const std::size_t x = text.find_first_of("xX");
  if (x == std::string_view::npos) return std::nullopt;
  const auto width = positive<int>(text.substr(0, x));
  const auto height = positive<int>(text.substr(x + 1));
  if (!width || !height) return std::nullopt;
  return Resolution{.width = *width, .height = *height};
}

std::uint32_t media_tokens(const MediaEstimate& estimate, const PromptPart& part,
                           const Request& request) {
  std::int64_t tokens = 0;
  switch (part.kind) {
    case PromptPart::Kind::image:
      tokens = image_tokens(estimate.image, part.bytes);
      break;
    case PromptPart::Kind::video:
      tokens = video_tokens(estimate.video, request);
      break;
    default:
      tokens = static_cast<std::int64_t>((part.bytes.size() + 3) / 4);  // audio
  }
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(tokens, 1, kMostTokens));
}

}  // namespace pointsman
