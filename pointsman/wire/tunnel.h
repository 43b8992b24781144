#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "pointsman/wire/loop.h"
#include "pointsman/wire/stream.h"

namespace pointsman {

// One end of a Tunnel.
struct TunnelEnd {
  std::unique_ptr<Stream> stream;
  std::string unsent;  // to be sent to it first
};

// Passes bytes between two streams, each way as fast as the other end takes them, until both ends
// have ended or one breaks, or nothing passes for too long.
//
// Threading: the loop's thread.
class Tunnel {
 public:
  // `done` is called once, from the loop, and may destroy the tunnel. `idle` 0: no limit.
  Tunnel(Loop& loop, TunnelEnd one, TunnelEnd other, std::chrono::nanoseconds idle,
         Loop::Task done);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

 private:
  struct Side {
    std::unique_ptr<Stream> stream;
    std::string unsent;
    std::size_t sent = 0;  // of unsent
    bool ended = false;    // it sends no more
  };

  void listen(Side& from);
  void read(Side& from);
  void flush(Side& to);
  void over();
  Side& other(const Side& side) { return &side == &a_ ? b_ : a_; }

  Loop& loop_;
  Side a_;
  Side b_;
  std::chrono::nanoseconds idle_;
  Timer timer_;
  Loop::Task done_;
  bool over_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pointsman
