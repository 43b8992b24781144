#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "pointsman/base/clock.h"
#include "pointsman/sim/event_reader.h"
#include "pointsman/sim/replay_report.h"
#include "pointsman/wire/http_client.h"

namespace pointsman {

// One streamed completion of a replay: measures when its tokens come and reads its usage.
// Threading: the client's loop.
class ReplayCall final : public HttpSink {
 public:
  using Done = std::move_only_function<void(const ReplayOutcome&)>;

  struct Request {
    std::shared_ptr<const std::string> body;  // shared by the targets
    std::uint32_t output_tokens = 0;          // expected
    double time_scale = 1;
  };

  // Sends the request now; `done` comes once, as the last thing, and may destroy this.
  ReplayCall(HttpClient& client, const HttpTarget& target, const std::string& path, Request request,
             Done done);

  void on_head(const ResponseHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_end() override;
  void on_failure(HttpFailure failure) override;

 private:
  void read(std::string_view event);
  void finish(std::string error);

  Request request_;
  Done done_;
  ReplayOutcome outcome_;
  EventReader events_;
  Clock::time_point sent_;
  Clock::time_point first_;
  Clock::time_point latest_;
  int status_ = 0;
  std::string problem_;  // found on the way; the answer is read to its end anyway
  bool complete_ = false;
  HttpCall call_;
};

}  // namespace pointsman
