#include "pointsman/fleet/host_names.h"

#include <algorithm>
#include <utility>

namespace pointsman {

HostNames::HostNames(Loop& loop, Options options, Events events)
    : loop_(&loop),
      options_(std::move(options)),
      events_(std::move(events)),
      timer_(loop, [this] { look_up_due(); }),
      self_(std::make_shared<HostNames*>(this)) {
  if (options_.look_up) return;
  options_.look_up = [this](const std::string& host, Answer answer) {
    resolve(*loop_, {.host = host, .port = 0}, std::move(answer));
  };
}

HostNames::~HostNames() = default;

void HostNames::keep(const std::set<std::string>& hosts) {
  std::erase_if(names_, [&](const auto& entry) { return !hosts.contains(entry.first); });
  for (const std::string& host : hosts) names_.try_emplace(host);
  look_up_due();
}

void HostNames::look_up_due() {
  const Clock::time_point now = Clock::now();
  for (auto& [host, name] : names_) {
    if (!name.asked && name.due <= now) look_up(host, name);
  }
  arm();
}

void HostNames::look_up(const std::string& host, Name& name) {
  name.asked = true;
  options_.look_up(host, [self = std::weak_ptr(self_), host](Result<std::vector<Address>> answer) {
    if (const auto alive = self.lock()) (*alive)->take(host, std::move(answer));
  });
}

void HostNames::take(const std::string& host, Result<std::vector<Address>> answer) {
  const auto found = names_.find(host);
  if (found == names_.end()) return;
  Name& name = found->second;
  name.asked = false;
  if (answer && answer->empty()) answer = fail(Code::io, "no address");
  name.due = Clock::now() + (answer || !name.address.empty() ? options_.every : options_.retry);
  arm();
  if (!answer) {
    const bool news = !std::exchange(name.failing, true);
    if (news) events_.failed(host, name.address, answer.error());
    return;
  }
  name.failing = false;
  std::vector<std::string> addresses;
  for (const Address& address : *answer) addresses.push_back(address.host());
  if (std::ranges::find(addresses, name.address) != addresses.end()) return;
  name.address = addresses.front();
  events_.found(host, name.address);
}

void HostNames::arm() {
  Clock::time_point next = Clock::time_point::max();
  for (const auto& [host, name] : names_) {
    if (!name.asked) next = std::min(next, name.due);
  }
  if (next == Clock::time_point::max()) {
    timer_.disarm();
  } else {
    timer_.arm_at(next);
  }
}

}  // namespace pointsman
