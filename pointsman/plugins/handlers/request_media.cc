#include "pointsman/plugins/handlers/request_media.h"

#include <string>

namespace pointsman {
namespace {

std::string modality(const RequestMedia& media) {
  std::string all;
  const auto add = [&](bool there, std::string_view name) {
    if (!there) return;
    if (!all.empty()) all += ',';
    all += name;
  };
  add(media.audio, "audio");
  add(media.image, "image");
  add(media.video, "video");
  return all.empty() ? "none" : all;
}

}  // namespace

RequestMedia media_of(const Request& request) {
  RequestMedia media;
  for (const Prompt& prompt : request.prompts) {
    for (const PromptPart& part : prompt.parts) {
      const bool image = part.kind == PromptPart::Kind::image;
      const bool audio = part.kind == PromptPart::Kind::audio;
      const bool video = part.kind == PromptPart::Kind::video;
      media.image |= image;
      media.audio |= audio;
      media.video |= video;
      media.count += image || audio || video ? 1 : 0;
    }
  }
  return media;
}

void set_request_and_media(Trace::Scope& scope, const Request& request) {
  if (!scope.recording()) return;
  if (!request.target_model.empty()) scope.set("gen_ai.request.model", request.target_model);
  scope.set("gen_ai.request.id", request.id);
  const RequestMedia media = media_of(request);
  scope.set("mm.modality", modality(media));
  scope.set("mm.hash_count", media.count);
}

}  // namespace pointsman
