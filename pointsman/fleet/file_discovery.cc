#include "pointsman/fleet/file_discovery.h"

#include <algorithm>
#include <utility>

#include "pointsman/fleet/text_file.h"

namespace pointsman {
namespace {

Result<std::string> read(const std::string& path) {
  auto text = read_text_file(path, EndpointsFile::kMaxBytes);
  if (!text && text.error().code == Code::too_large) {
    return fail(Code::too_large, "endpoints file " + path + " exceeds 1 MiB limit");
  }
  return text;
}

std::string join(const std::vector<EndpointsFile::Bad>& bad) {
  std::string out;
  for (const EndpointsFile::Bad& entry : bad) {
    if (!out.empty()) out += '\n';
    out += entry.text;
  }
  return out;
}

}  // namespace

Result<void> FileDiscoveryParams::check(const FileDiscoveryParams& params) {
  if (params.path.empty()) {
    return fail(Code::invalid_config, "file-discovery: 'path' parameter is required");
  }
  return {};
}

FileDiscovery::FileDiscovery(const FileDiscoveryParams& params, Setup& /*setup*/)
    : FileDiscovery(Options{.path = params.path,
                            .watch = params.watch_file,
                            .rule = HostRule::ipv4,
                            .blame = "file-discovery: initial load failed: "}) {}

FileDiscovery::FileDiscovery(Options options) : options_(std::move(options)) {}

Result<void> FileDiscovery::start(Events events) {
  events_ = std::move(events);
  const auto blame = [this](const std::string& why) {
    return fail(Code::invalid_config, options_.blame + why);
  };
  auto text = read(options_.path);
  if (!text) return blame(text.error().message);
  auto file = EndpointsFile::parse(*text, options_.rule);
  if (!file) return blame(file.error().message);
  if (!file->bad.empty()) return blame(join(file->bad));

  text_ = *std::move(text);
  last_good_ = std::move(file->endpoints);
  found();
  if (options_.watch) {
    watcher_ = std::make_unique<FileWatcher>(options_.path, [this] { reload(); }, options_.watcher);
  }
  return {};
}

void FileDiscovery::stop() {
  watcher_.reset();
}

void FileDiscovery::reload() {
  auto text = read(options_.path);
  if (!text) return report(text.error().message + "; all endpoints stay");
  // Somebody is about to write it. Whoever means it writes `endpoints: []`.
  if (text->empty() && !text_.empty()) {
    return report("endpoints file " + options_.path + " is empty; all endpoints stay");
  }
  if (*text == text_) return report({});
  auto file = EndpointsFile::parse(*text, options_.rule);
  if (!file) {
    return report("endpoints file " + options_.path + ": " + file.error().message +
                  "; all endpoints stay");
  }
  text_ = *std::move(text);
  for (EndpointsFile::Bad& bad : file->bad) {
    const auto good = std::ranges::find(last_good_, bad.id, &Endpoint::id);
    const bool kept =
        good != last_good_.end() &&
        std::ranges::find(file->endpoints, bad.id, &Endpoint::id) == file->endpoints.end();
    if (kept) file->endpoints.push_back(*good);
    bad.text += kept ? " (it stays as it was)" : " (left out)";
  }
  last_good_ = std::move(file->endpoints);
  report(join(file->bad));
  found();
}

void FileDiscovery::found() {
  std::vector<std::string> ids;
  for (const Endpoint& endpoint : last_good_) ids.push_back(endpoint.id);
  std::ranges::sort(ids);
  {
    const std::lock_guard lock(mutex_);
    ids_ = std::move(ids);
  }
  events_.found(last_good_);
}

Result<std::string> FileDiscovery::dump(const Fleet& /*fleet*/) const {
  const std::lock_guard lock(mutex_);
  return endpoints_state(ids_, ids_.size());
}

// Says every problem once, not at every look.
void FileDiscovery::report(std::string problem) {
  if (problem == problem_) return;
  problem_ = std::move(problem);
  if (!problem_.empty()) events_.problem(problem_);
}

}  // namespace pointsman
