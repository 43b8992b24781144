#include "pointsman/engine/session.h"

#include <utility>

namespace pointsman {

Session::Session() {
  upstream_edits.reset(arena);
  client_edits.reset(arena);
}

Session::~Session() {
  if (wakeup_ != nullptr) wakeup_->cancel();
}

void Session::reset() {
  arena.reset();
  headers = {};
  body = {};
  subset.reset();
  request = {};
  parser = nullptr;
  parsed = {};
  orchestration_ = {};
  root = {};
  trace = {};
  decision.reset();
  rerouted_.reset();
  kept_by = {};
  error_code = {};
  outgoing = {};
  outgoing_bytes = 0;
  upstream_edits.reset(arena);
  client_edits.reset(arena);
  proxy_metadata = {};
  dispatched_ = false;
  ResponseProgress progress = std::move(response.progress);
  progress.reset();
  response = {};
  response.progress = std::move(progress);
  candidates_ = {};
  next_producer_ = 0;
  wakeup_.reset();
  alarm_.reset();
  pipeline_.reset();
}

}  // namespace pointsman
