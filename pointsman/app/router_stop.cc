// Running, and coming to an end without cutting anybody off.

#include <csignal>
#include <cstdlib>
#include <utility>

#include "pointsman/app/resource_file.h"
#include "pointsman/app/router.h"
#include "pointsman/fleet/file_watcher.h"

namespace pointsman {

int Router::run(RouterFront front) {
  if (StopSignals::asked()) {
    logger_.info(verbosity::kInfo, "stopped before it was ready");
    return 1;
  }
  front_ = std::move(front);
  const StopSignals signals(loop_, [this](int signal) {
    if (signal == SIGHUP) {
      if (resources_ != nullptr) resources_->reload();
      return reload();
    }
    stopping(signal);
  });
  if (setup_.flags.watch_config) {
    config_watcher_ = std::make_unique<FileWatcher>(setup_.flags.config_file,
                                                    [this] { loop_.post([this] { reload(); }); });
  }
  if (resources_ != nullptr) resources_->watch();
  loop_.run();
  return 0;
}

void Router::stopping(int signal) {
  if (draining()) {
    logger_.warning("a second signal: ending at once", {{"signal", signal}});
    std::_Exit(1);
  }
  draining_ = true;
  // A person at a terminal does not want to wait for load balancers.
  const auto window = signal == SIGINT ? std::chrono::nanoseconds(0) : setup_.flags.drain_timeout;
  logger_.info(
      verbosity::kInfo, "draining: not ready any more",
      {{"signal", signal}, {"accepting for", window}, {"limit", setup_.flags.drain_limit}});
  if (front_.part) front_.part();
  drain_timer_ = std::make_unique<Timer>(loop_, [this] { drain(); });
  drain_timer_->arm(window);
}

void Router::drain() {
  // Its own callback runs: it is replaced when that has returned.
  loop_.defer([this] {
    drain_timer_ = std::make_unique<Timer>(loop_, [this] { cut_off(); });
    drain_timer_->arm(setup_.flags.drain_limit);
    front_.drain([this] { loop_.post([this] { loop_.stop(); }); });
  });
}

void Router::cut_off() {
  const std::size_t open = front_.open_requests();
  shard_.add(metrics_.series(metric::kCutOff), open);
  logger_.warning("the drain limit has passed: open requests are cut off", {{"requests", open}});
  loop_.stop();
}

}  // namespace pointsman
