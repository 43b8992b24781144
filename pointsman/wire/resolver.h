#pragma once

// Internal to wire/*.cc.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace pointsman {

// A thread that asks the system's resolver, one name after the other: it may take seconds, and
// has no other interface that every system offers. Destruction waits for the question under way
// and drops the others.
class Resolver {
 public:
  using Question = std::move_only_function<void()>;

  Resolver();

  // Runs `question` on the thread. Threading: any thread.
  void ask(Question question);

 private:
  void run(const std::stop_token& stop);

  std::mutex lock_;
  std::condition_variable_any asked_;
  std::deque<Question> questions_;  // guarded by lock_
  std::jthread thread_;             // last: it uses the rest
};

}  // namespace pointsman
