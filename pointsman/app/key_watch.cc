#include "pointsman/app/key_watch.h"

#include <utility>

#include "pointsman/fleet/text_file.h"

namespace pointsman {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20U;

}  // namespace

Result<std::shared_ptr<const ApiKeys>> read_keys(const std::string& file) {
  auto text = read_text_file(file, kLargestFile);
  if (!text) return fail(Code::invalid_config, text.error().message);
  auto keys = ApiKeys::parse(*text);
  if (!keys) return fail(Code::invalid_config, file + ": " + keys.error().message);
  return std::make_shared<const ApiKeys>(*std::move(keys));
}

Result<ProxyKeys> KeyWatch::read(const std::string& clients_file,
                                 const std::string& upstream_file) {
  ProxyKeys keys;
  if (!clients_file.empty()) {
    POINTSMAN_TRY(clients, read_keys(clients_file));
    keys.clients = std::move(clients);
  }
  if (!upstream_file.empty()) {
    POINTSMAN_TRY(upstream, read_keys(upstream_file));
    if (upstream->size() > 1) {
      return fail(Code::invalid_config, upstream_file + ": there is more than one key in it");
    }
    keys.upstream = upstream->first();
  }
  return keys;
}

Result<std::unique_ptr<KeyWatch>> KeyWatch::start(std::string clients_file,
                                                  std::string upstream_file, Logger log) {
  POINTSMAN_TRY(keys, read(clients_file, upstream_file));
  return std::unique_ptr<KeyWatch>(new KeyWatch(  // NOLINT: private maker
      std::move(clients_file), std::move(upstream_file), std::move(keys), std::move(log)));
}

KeyWatch::KeyWatch(std::string clients_file, std::string upstream_file, ProxyKeys keys, Logger log)
    : clients_file_(std::move(clients_file)),
      upstream_file_(std::move(upstream_file)),
      log_(std::move(log)),
      keys_(std::move(keys)) {
  for (const std::string& file : {clients_file_, upstream_file_}) {
    if (!file.empty()) watchers_.push_back(std::make_unique<FileWatcher>(file, [this] { look(); }));
  }
}

std::string KeyWatch::upstream_key() const {
  return Published<ProxyKeys>::Reader(keys_).get()->upstream;
}

void KeyWatch::look() {
  const std::lock_guard lock(mutex_);
  auto keys = read(clients_file_, upstream_file_);
  if (!keys) {
    if (std::exchange(told_, keys.error().message) != keys.error().message) {
      log_.error("keys not taken over: those before stay", {{"error", keys.error().message}});
    }
    return;
  }
  told_.clear();
  const auto before = Published<ProxyKeys>::Reader(keys_).get();
  const bool same_clients = keys->clients == before->clients ||
                            (keys->clients != nullptr && *keys->clients == *before->clients);
  if (same_clients && keys->upstream == before->upstream) return;
  const std::size_t clients = keys->clients == nullptr ? 0 : keys->clients->size();
  keys_.publish(*std::move(keys));
  log_.info(verbosity::kInfo, "keys taken over", {{"clients", clients}});
}

}  // namespace pointsman
