#include "pointsman/app/tap.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pointsman/app/admin_answer.h"
#include "pointsman/config/node.h"
#include "pointsman/config/yaml.h"
#include "pointsman/wire/http_client.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxError = 64UL * 1024;
constexpr auto kPatience = std::chrono::seconds(10);

// For a query string: everything but letters and digits.
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Receives the stream and prints it.
class Watcher final : public HttpSink {
 public:
  explicit Watcher(const TapOptions& options) : options_(options) {}

  void on_head(const ResponseHead& head) override { status_ = head.status; }
  void on_body(std::string_view bytes) override {
    if (status_ != 200) {
      error_.append(bytes.substr(0, kMaxError - std::min(kMaxError, error_.size())));
      return;
    }
    const bool sound = lines_.feed(bytes, [this](const EventLines::Event& event) { show(event); });
    std::fflush(stdout);
    if (!sound) finish(fail(Code::bad_gateway, "the router sent an event that is too long"));
  }
  void on_end() override {
    if (status_ == 200) return finish({});
    finish(fail(Code::bad_request, error_.empty() ? fmt::format("status {}", status_) : error_));
  }
  void on_failure(HttpFailure failure) override {
    finish(std::unexpected(std::move(failure.error)));
  }

  HttpCall call;
  Result<void> outcome;
  bool done = false;

 private:
  void show(const EventLines::Event& event) {
    if (done) return;
    if (event.name == "lost") {
      std::fprintf(stderr, "lost: %s\n", event.data.c_str());
      return;
    }
    const std::string line = options_.json ? event.data : tap_line(event.data);
    std::fprintf(stdout, "%s\n", line.c_str());
    if (++shown_ == options_.count) finish({});
  }
  void finish(Result<void> how) {
    if (done) return;
    done = true;
    outcome = std::move(how);
  }

  const TapOptions& options_;
  int status_ = 0;
  std::string error_;
  EventLines lines_;
  std::size_t shown_ = 0;
};

std::string text(const Node& node, std::string_view key) {
  const Node* const found = node.find(key);
  return found == nullptr ? "" : found->text;
}

}  // namespace

void EventLines::end_line() {
  std::string_view line = line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return;  // a comment, or nothing we know
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") event_.name = value;
  if (name == "data") event_.data += value;
}

std::string tap_line(std::string_view json) {
  const auto parsed = read_yaml(json);  // JSON is YAML
  if (!parsed) return std::string(json);
  const Node& d = parsed->root;
  const std::string endpoint = text(d, "endpoint");
  std::string out = text(d, "id") + "  " + (endpoint.empty() ? "(nobody)" : endpoint);
  const std::string status = text(d, "status");
  out += "  " + text(d, "end") + (status.empty() ? "" : " " + status);
  const auto add = [&](std::string_view key, std::string_view label, std::string_view unit) {
    const Node* const found = d.find(key);
    if (found != nullptr) out += fmt::format("  {} {:.4g}{}", label, found->number, unit);
  };
  add("margin", "margin", "");
  add("ttft_ms", "ttft", " ms");
  add("duration_ms", "total", " ms");
  if (const Node* cached = d.find("cached_tokens")) {
    out += fmt::format("  cached {:.0f}", cached->number);
    if (const Node* hoped = d.find("predicted_cached_tokens")) {
      out += fmt::format(" (predicted {:.0f})", hoped->number);
    }
  }
  const std::string decider = text(d, "decider");
  if (!decider.empty()) out += "  by " + decider;
  const std::string error = text(d, "error");
  if (!error.empty()) out += "  error: " + error;
  return out;
}

Result<void> tap(const TapOptions& options) {
  const std::string url =
      options.admin + "/tap" + (options.where.empty() ? "" : "?where=" + encoded(options.where));
  POINTSMAN_TRY(where, Url::parse(url));
  Loop loop;
  Result<std::vector<Address>> found;
  bool resolved = false;
  resolve(loop, where.host, [&](auto result) {
    found = std::move(result);
    resolved = true;
  });
  if (!loop.run_until([&] { return resolved; }, kPatience) || !found) {
    return fail(Code::unavailable, "cannot look up " + where.host.host);
  }
  HttpClient client(loop, {.first_byte = kPatience});
  Watcher watcher(options);
  const RequestHead head{.method = "GET", .target = where.path};
  const HttpTarget target{.address = found->front(), .host = where.host.text()};
  client.start(watcher.call, target, head, {}, watcher);
  while (!watcher.done) loop.run_until([&] { return watcher.done; }, std::chrono::hours(1));
  watcher.call.cancel();
  if (!watcher.outcome && watcher.outcome.error().code == Code::io) {
    return no_router(options.admin, watcher.outcome.error());
  }
  return watcher.outcome;
}

}  // namespace pointsman
