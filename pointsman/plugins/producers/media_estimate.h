#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/base/result.h"
#include "pointsman/config/params.h"
#include "pointsman/model/request.h"

namespace pointsman {

// Width and height in pixels; 0: not set.
struct Resolution {
  int width = 0;
  int height = 0;

  static constexpr auto fields() {
    using P = Resolution;
    return std::tuple{field("width", &P::width, "Pixels."), field("height", &P::height, "Pixels.")};
  }
};

struct PixelFactor {
  int factor = 0;

  static constexpr auto fields() {
    return std::tuple{field("factor", &PixelFactor::factor, "Pixels per token; 0: 1024.")};
  }
};

struct ImageEstimate {
  struct Static {
    int tokens = 0;
    static constexpr auto fields() {
      return std::tuple{field("staticToken", &Static::tokens, "Tokens per image, at least 1.")};
    }
  };

  std::string mode;
  Resolution default_resolution;
  PixelFactor dynamic;
  Static fixed;

  static constexpr auto fields() {
    using P = ImageEstimate;
    return std::tuple{
        field("mode", &P::mode, "dynamic (default): by its pixels; static: the same for all."),
        field("defaultResolution", &P::default_resolution,
              "Of images whose size cannot be read; 640x360 when not set."),
        field("dynamic", &P::dynamic, "Dynamic mode."),
        field("static", &P::fixed, "Static mode."),
    };
  }
};

struct FrameTokens {
  struct Static {
    int tokens = 0;
    static constexpr auto fields() {
      return std::tuple{field("numTokensPerFrame", &Static::tokens, "Tokens per frame.")};
    }
  };

  std::string mode;
  PixelFactor dynamic;
  Static fixed;

  static constexpr auto fields() {
    using P = FrameTokens;
    return std::tuple{
        field("mode", &P::mode, "dynamic (default): by its pixels; static: the same for all."),
        field("dynamic", &P::dynamic, "Dynamic mode."),
        field("static", &P::fixed, "Static mode."),
    };
  }
};

struct FrameCount {
  struct Sampled {
    double fps = 0.0;
    int patch = 0;
    static constexpr auto fields() {
      using P = Sampled;
      return std::tuple{field("sampleFPS", &P::fps, "Frames taken per second; 0: 2."),
                        field("temporalPatchSize", &P::patch, "Frames merged into one.")};
    }
  };
  struct Strided {
    double source_fps = 0.0;
    int stride = 0;
    static constexpr auto fields() {
      using P = Strided;
      return std::tuple{field("defaultSourceFPS", &P::source_fps, "Frames per second; 0: 24."),
                        field("frameStride", &P::stride, "Of so many frames one is taken.")};
    }
  };

  std::string mode;
  int min_frames = 0;
  int max_frames = 0;
  Sampled sampled;
  Strided strided;

  static constexpr auto fields() {
    using P = FrameCount;
    return std::tuple{
        field("mode", &P::mode, "sampled (default) or strided."),
        field("minFrames", &P::min_frames, "At least so many frames."),
        field("maxFrames", &P::max_frames, "At most so many frames; 0: no limit."),
        field("sampled", &P::sampled, "Sampled mode."),
        field("strided", &P::strided, "Strided mode."),
    };
  }
};

struct VideoEstimate {
  FrameTokens tokens_per_frame;
  FrameCount frames;
  Resolution default_resolution;
  double default_duration = 0.0;
  std::int64_t max_tokens = 0;

  static constexpr auto fields() {
    using P = VideoEstimate;
    return std::tuple{
        field("tokensPerFrame", &P::tokens_per_frame, "What one frame is worth."),
        field("frames", &P::frames, "How many frames a model looks at."),
        field("defaultResolution", &P::default_resolution,
              "Without the header x-llm-d-video-resolution; 640x360 when not set."),
        field("defaultDuration", &P::default_duration,
              "Seconds, without the header x-llm-d-video-duration-seconds; 0: 10."),
        field("maxVideoTokens", &P::max_tokens, "At most so many tokens; 0: no limit."),
    };
  }
};

// How many tokens images and videos are taken for (spec/05 section 3.6).
struct MediaEstimate {
  ImageEstimate image;
  VideoEstimate video;

  static constexpr auto fields() {
    using P = MediaEstimate;
    return std::tuple{field("image", &P::image, "Images."), field("video", &P::video, "Videos.")};
  }
  // Whether the modes are known ones.
  Result<void> check_modes() const;
};

// Tokens of one part of kind image, audio or video; at least 1. Videos are described by headers of
// the request.
std::uint32_t media_tokens(const MediaEstimate& estimate, const PromptPart& part,
                           const Request& request);

// "1920x1080", also with X and spaces; nothing when it is malformed or not positive.
std::optional<Resolution> parse_resolution(std::string_view text);

// The size of a PNG, JPEG or GIF in base64, with or without "data:image/...;base64," in front.
// Nothing when it is something else, such as an URL.
std::optional<Resolution> image_resolution(std::string_view content);

}  // namespace pointsman
