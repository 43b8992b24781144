#pragma once

// Internal to wire/: what stands behind an HttpCall.

#include <utility>

#include "pointsman/wire/http_client.h"

namespace pointsman {

// Carries one call of an HttpClient, in whatever version of HTTP. What the functions do is said at
// those of HttpCall.
class HttpCarrier {
 public:
  virtual void cancel() = 0;
  virtual void pause() = 0;
  virtual void resume() = 0;

 protected:
  ~HttpCarrier() = default;

  static void hold(HttpCall& call, HttpCarrier& by) { call.carrier_ = &by; }
  // The call is over, or was never begun.
  static void let_go(HttpCall*& call) { std::exchange(call, nullptr)->carrier_ = nullptr; }
};

}  // namespace pointsman
