#include <utility>

#include "pointsman/wire/http_client.h"

namespace pointsman {
namespace {

// Collects one answer.
class Collector final : public HttpSink {
 public:
  explicit Collector(std::size_t limit) : limit_(limit) {}

  void on_head(const ResponseHead& head) override { answer.head = head; }
  void on_body(std::string_view bytes) override {
    if (answer.body.size() + bytes.size() > limit_) {
      end(fail(Code::too_large, "the answer is too large"));
    } else {
      answer.body += bytes;
    }
  }
  void on_end() override { end({}); }
  void on_failure(HttpFailure failure) override { end(std::unexpected(std::move(failure.error))); }

  void end(Result<void> how) {
    call.cancel();
    outcome = std::move(how);
    done = true;
  }

  HttpCall call;
  FetchResult answer;
  Result<void> outcome;
  bool done = false;

 private:
  std::size_t limit_;
};

Result<Address> look_up(Loop& loop, const HostPort& host, std::chrono::nanoseconds limit) {
  Result<std::vector<Address>> found;
  bool done = false;
  resolve(loop, host, [&](auto result) {
    found = std::move(result);
    done = true;
  });
  if (!loop.run_until([&] { return done; }, limit)) {
    return fail(Code::timeout, "looking up " + host.host + " took too long");
  }
  if (!found) return std::unexpected(std::move(found).error());
  return found->front();
}

}  // namespace

Result<FetchResult> fetch(std::string_view url, FetchOptions options) {
  POINTSMAN_TRY(where, Url::parse(url));
  const auto begin = Clock::now();
  Loop loop;
  POINTSMAN_TRY(address, look_up(loop, where.host, options.timeout));
  HttpTarget target{.address = address, .host = where.host.text()};
  if (where.tls) {
    POINTSMAN_TRY(tls, TlsContext::client({.verify = options.verify}));
    target.tls = std::move(tls);
  }
  const auto left = std::max(options.timeout - (Clock::now() - begin),
                             std::chrono::nanoseconds(std::chrono::milliseconds(1)));
  HttpClient client(loop, {.connect = left, .total = left});
  Collector collector(options.max_body);
  RequestHead head{.method = options.method, .target = where.path.empty() ? "/" : where.path};
  head.fields = std::move(options.fields);
  const std::string_view body = options.body;
  client.start(collector.call, target, head, std::span(&body, body.empty() ? 0 : 1), collector);
  // The client keeps the time; the rest is for the loop to notice.
  loop.run_until([&] { return collector.done; }, left + std::chrono::seconds(1));
  if (!collector.done) return fail(Code::timeout, where.host.text() + " took too long to answer");
  if (!collector.outcome) return std::unexpected(std::move(collector.outcome).error());
  return std::move(collector.answer);
}

}  // namespace pointsman
