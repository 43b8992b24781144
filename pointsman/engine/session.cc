#include "pointsman/engine/session.h"

#include <utility>

#include "pointsman/base/client_text.h"
#include "pointsman/engine/error_text.h"

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
  failure = {};
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

void Session::fail_with(const Error& error) {
  failure = {.code = code_name(error.code),
             .message = arena.copy(clipped(error.message, kMaxErrorText)),
             .reason = error.drop_reason,
             .status = http_status(error.code)};
}

void Session::note_failure(std::string_view message) {
  if (failure.message.empty()) failure.message = arena.copy(clipped(message, kMaxErrorText));
}

}  // namespace pointsman
