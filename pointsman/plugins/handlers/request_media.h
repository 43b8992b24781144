#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "pointsman/model/request.h"
#include "pointsman/model/trace.h"

namespace pointsman {

// The images, sounds and films in a request.
struct RequestMedia {
  std::size_t count = 0;
  bool audio = false;
  bool image = false;
  bool video = false;
};
RequestMedia media_of(const Request& request);

// The attributes that every span of a disaggregation plugin carries (spec/01 section 5.4):
// gen_ai.request.model when known, gen_ai.request.id always, mm.modality and mm.hash_count.
void set_request_and_media(Trace::Scope& scope, const Request& request);

}  // namespace pointsman
