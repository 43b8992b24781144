#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "pointsman/base/arena.h"
#include "pointsman/wire/http.h"

namespace pointsman {

// The sessions of one worker, used over and over so that a request allocates nothing once their
// buffers have grown.
template <typename S>
class SessionPool {
 public:
  // A session that nobody uses, or a new one, which is told `shared`.
  template <typename Shared>
  S* take(Shared& shared) {
    if (idle_.empty()) {
      all_.push_back(std::make_unique<S>(shared));
      idle_.reserve(all_.size());
      return all_.back().get();
    }
    S* const session = idle_.back();
    idle_.pop_back();
    return session;
  }
  void give_back(S* session) { idle_.push_back(session); }

  // Empties the buffers of a session that is about to be given back. As the last one given back is
  // the first one taken, those at the bottom serve a rare crowd only: they keep no memory, or what
  // the crowd's bodies needed would be held for ever.
  void recycle(Arena& arena, BodyBuffer& body) const {
    if (idle_.size() < kWarm) {
      arena.reset();
      body.recycle();
    } else {
      arena = Arena();
      body = BodyBuffer();
    }
  }
  std::size_t active() const { return all_.size() - idle_.size(); }

 private:
  static constexpr std::size_t kWarm = 64;

  std::vector<std::unique_ptr<S>> all_;
  std::vector<S*> idle_;
};

}  // namespace pointsman
