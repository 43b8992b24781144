// Fuzz target: any bytes as what a model server answers on each connection, in HTTP/1.1 and HTTP/2,
// in one piece and in many. Every call must end, once, in the order that a sink is promised, and an
// answer that ends well must be as long as it says.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/base/text.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/listener.h"

namespace pointsman {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);  // for what needs no time at all

// Says the same to whoever connects, as soon as it has heard something, and then no more.
class Site {
 public:
  explicit Site(Loop& loop) : loop_(loop) {
    listener_ = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                                {{loop, [this](auto stream) { greet(std::move(stream)); }}});
  }

  void begin(std::string_view answer, std::size_t piece) {
    answer_ = answer;
    piece_ = piece;
  }
  void forget() { links_.clear(); }
  const Address& address() const { return listener_->address(); }

 private:
  struct Link {
    std::unique_ptr<Stream> stream;
    std::size_t said = 0;
    bool heard = false;
  };

  void greet(std::unique_ptr<Stream> stream) {
    Link& link = links_.emplace_back(Link{.stream = std::move(stream)});
    listen(link);
  }

  void listen(Link& link) {
    link.stream->when_readable([this, &link] {
      const auto got = link.stream->read(loop_.scratch());
      if (!got || got->end) return link.stream->close();
      if (got->bytes > 0 && !std::exchange(link.heard, true)) return say(link);
      listen(link);
    });
  }

  void say(Link& link) {
    const std::string_view next = answer_.substr(link.said, piece_);
    const auto sent = link.stream->write(std::span(&next, 1));
    if (!sent) return link.stream->close();
    link.said += *sent;
    if (link.said == answer_.size()) {
      link.stream->finish();
      return listen(link);
    }
    link.stream->when_writable([this, &link] { say(link); });
  }

  Loop& loop_;
  std::unique_ptr<Listener> listener_;
  std::list<Link> links_;
  std::string_view answer_;
  std::size_t piece_ = 1;
};

// One call, and what it is told.
struct Caller final : HttpSink {
  void on_head(const ResponseHead& head) override {
    if (over || std::exchange(begun, true)) bug("a head that must not come");
    if (head.status < 200 || head.status > 999) bug("not a final answer");
    if (const auto length = head.fields.find("content-length")) {
      const bool bodiless = head.status == 204 || head.status == 304;
      if (!bodiless) promised = number_in<std::uint64_t>(*length);
    }
    if (fickle) call.cancel();
    over = fickle;
  }
  void on_body(std::string_view bytes) override {
    if (over || !begun) bug("bytes that must not come");
    received += bytes.size();
  }
  void on_end() override {
    if (!begun || std::exchange(over, true)) bug("an end that must not come");
    if (promised && *promised != received) bug("an answer of another length than it says");
  }
  void on_failure(HttpFailure /*failure*/) override {
    if (std::exchange(over, true)) bug("a failure that must not come");
  }

  HttpCall call;
  bool fickle = false;  // gives up when the head is there
  bool begun = false;
  bool over = false;
  std::optional<std::uint64_t> promised;
  std::uint64_t received = 0;
};

void ask(std::string_view answer, std::size_t piece, bool http2) {
  static Loop loop;
  static Site site(loop);
  site.begin(answer, piece);
  {
    HttpClient client(loop, {.head_bytes = 2048});
    const HttpTarget target{.address = site.address(), .http2 = http2};
    std::array<Caller, 3> callers;
    callers[1].fickle = true;
    for (Caller& caller : callers) {
      client.start(caller.call, target, {.method = "GET", .target = "/"}, {}, caller);
    }
    const auto all_over = [&] {
      return std::ranges::all_of(callers, [](const Caller& each) { return each.over; });
    };
    if (!loop.run_until(all_over, kPatience)) bug("a call that does not end");
  }
  site.forget();
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool http2 = (data[0] & 1U) != 0;
  const std::size_t piece = 1 + (data[0] >> 1U) % 64U;
  pointsman::ask(bytes, bytes.size() + 1, http2);
  pointsman::ask(bytes, piece, http2);
  return 0;
}
