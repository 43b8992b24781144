#include "pointsman/engine/session.h"

#include <utility>

namespace pointsman {

Session::Session() {
  upstream_edits.reset(arena);
  client_edits.reset(arena);
}

void Session::reset() {
  arena.reset();
  headers = {};
  body = {};
  subset.reset();
  request = {};
  parser = nullptr;
  parsed = {};
  root = {};
  trace = {};
  decision.reset();
  kept_by = {};
  error_code = {};
  outgoing = {};
  outgoing_bytes = 0;
  upstream_edits.reset(arena);
  client_edits.reset(arena);
  dispatched_ = false;
  std::string carry = std::move(response.progress.carry);
  carry.clear();
  response = {};
  response.progress.carry = std::move(carry);
  pipeline_.reset();
}

}  // namespace pointsman
