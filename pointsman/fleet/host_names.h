#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// Keeps the addresses of host names up to date: looks each up at once and every 30 s, and more
// often while it has never had one. A name keeps its address as long as the resolver still gives
// it among others, and through failures.
// Threading: the loop's thread.
class HostNames {
 public:
  using Answer = std::move_only_function<void(Result<std::vector<Address>>)>;
  struct Options {
    Clock::duration every = std::chrono::seconds(30);
    Clock::duration retry = std::chrono::seconds(2);  // of a name that has never had an address
    // Calls the answer on the loop. Default: the system's resolver.
    std::function<void(const std::string& host, Answer)> look_up;
  };
  struct Events {
    // The host has this address from now on: the first, or another than before.
    std::function<void(const std::string& host, const std::string& address)> found;
    // A look-up failed, the one before did not. `address` is what is used, or empty.
    std::function<void(const std::string& host, const std::string& address, const Error& error)>
        failed;
  };

  HostNames(Loop& loop, Options options, Events events);
  ~HostNames();
  HostNames(const HostNames&) = delete;
  HostNames& operator=(const HostNames&) = delete;

  // From now on these names are kept; others are forgotten.
  void keep(const std::set<std::string>& hosts);

 private:
  struct Name {
    std::string address;  // empty: never had one
    Clock::time_point due{};
    bool asked = false;  // the answer has not come
    bool failing = false;
  };

  void look_up_due();
  void look_up(const std::string& host, Name& name);
  void take(const std::string& host, Result<std::vector<Address>> answer);
  void arm();

  Loop* loop_;
  Options options_;
  Events events_;
  std::map<std::string, Name> names_;
  Timer timer_;
  std::shared_ptr<HostNames*> self_;  // answers that come after the end find nothing
};

}  // namespace pointsman
