#include "pointsman/stage/parser.h"

namespace pointsman {

void Usage::merge(const Usage& newer) {
  if (newer.prompt > 0) prompt = newer.prompt;
  if (newer.output > 0) output = newer.output;
  if (newer.cached >= 0) cached = newer.cached;
  if (newer.prompt > 0 && newer.output > 0 && newer.total > 0) {
    total = newer.total;
  } else if (prompt >= 0 || output >= 0) {
    total = (prompt > 0 ? prompt : 0) + (output > 0 ? output : 0);
  }
}

void ResponseProgress::reset() {
  usage = {};
  events = 0;
  overflowed = false;
  carry.clear();
  depth = 0;
  state = 0;
  frame.clear();
  frame_left = 0;
  mode = 0;
}

}  // namespace pointsman
