#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "pointsman/model/trace.h"

namespace pointsman {

// For tests: a finished trace with `children` spans below a root called `name`.
inline std::unique_ptr<TraceBuffer> finished_trace(std::string_view name, int children = 0,
                                                   std::uint8_t id = 7) {
  SpanContext root{.flags = 1};
  root.trace_id.fill(id);
  root.span_id.fill(id);
  Trace trace(root, {}, std::make_unique<TraceBuffer>(), id);
  {
    const auto scope = trace.enter(name, SpanScope::handlers, SpanKind::server);
    for (int i = 0; i < children; ++i) {
      auto child = trace.enter("child", SpanScope::scheduling);
      child.set("n", i);
    }
  }
  return trace.release();
}

}  // namespace pointsman
