#include "pointsman/fleet/model_poller.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/model/endpoint_protocol.h"
#include "pointsman/wire/http_client.h"

namespace pointsman {
namespace {

constexpr std::size_t kLongestPage = 4UL << 20U;
constexpr unsigned kMostDoublings = 8;
constexpr unsigned kFailuresToTell = 3;  // in a row: a server that restarts is no news

bool same_place(const Endpoint& a, const Endpoint& b) {
  return a.address == b.address && a.port == b.port && a.tls == b.tls && a.host == b.host &&
         speaks_http2(a) == speaks_http2(b);
}

}  // namespace

struct ModelPoller::State {
  State(Loop& on, Options with, Told then)
      : loop(on),
        options(std::move(with)),
        told(std::move(then)),
        client(loop, {.connect = options.deadline,
                      .total = options.deadline,
                      .keep = std::chrono::seconds(1)}) {}

  Result<std::shared_ptr<TlsContext>> tls() {
    if (tls_context == nullptr) {
      POINTSMAN_TRY(made, TlsContext::client(options.tls));
      tls_context = std::move(made);
    }
    return tls_context;
  }

  Loop& loop;
  Options options;
  Told told;
  std::shared_ptr<TlsContext> tls_context;  // null: not needed so far, or not to be had
  HttpClient client;
  std::unordered_map<std::uint32_t, std::unique_ptr<Target>> targets;  // by key
};

// One endpoint.
class ModelPoller::Target final : public HttpSink {
 public:
  Target(State& state, const Endpoint& endpoint)
      : state_(state), endpoint_(endpoint), timer_(state.loop, [this] { ask(); }) {
    timer_.arm(Clock::duration::zero());
  }

  const Endpoint& endpoint() const { return endpoint_; }

  void on_head(const ResponseHead& head) override { status_ = head.status; }
  void on_body(std::string_view bytes) override {
    if (page_.size() + bytes.size() > kLongestPage) {
      call_.cancel();
      return failed("the list is too long");
    }
    page_ += bytes;
  }
  void on_end() override {
    auto models = status_ == 200 ? read_models(page_)
                                 : fail(Code::bad_gateway, "status " + std::to_string(status_));
    page_ = {};
    if (!models) return failed(models.error().message);
    if (failures_ >= kFailuresToTell && state_.options.log) {
      state_.options.log->info(verbosity::kInfo, "models can be read again",
                               {{"endpoint", endpoint_.id}});
    }
    failures_ = 0;
    timer_.arm(state_.options.interval);
    state_.told(endpoint_.key, *std::move(models));
  }
  void on_failure(HttpFailure failure) override { failed(failure.error.message); }

 private:
  void ask() {
    status_ = 0;
    const auto address = Address::parse(endpoint_.address, endpoint_.port);
    Result<std::shared_ptr<TlsContext>> tls = nullptr;
    if (endpoint_.tls) tls = state_.tls();
    if (!address) return failed(address.error().message);
    if (!tls) return failed(tls.error().message);
    RequestHead head{.method = "GET", .target = "/v1/models"};
    head.fields.add("User-Agent", "pointsman");
    head.fields.add("Accept", "application/json");
    if (state_.options.key) {
      if (const std::string key = state_.options.key(); !key.empty()) {
        head.fields.add("Authorization", "Bearer " + key);
      }
    }
    state_.client.start(call_,
                        {.address = *address,
                         .tls = *tls,
                         .host = endpoint_.tls ? endpoint_.host : std::string(),
                         .http2 = speaks_http2(endpoint_)},
                        head, {}, *this);
  }

  void failed(std::string_view why) {
    page_ = {};
    if (failures_ + 1 == kFailuresToTell && state_.options.log) {
      state_.options.log->warning("models cannot be read",
                                  {{"endpoint", endpoint_.id}, {"error", why}});
    }
    const auto wait = state_.options.first_wait * (1U << std::min(failures_++, kMostDoublings));
    timer_.arm(std::min<Clock::duration>(wait, state_.options.interval));
  }

  State& state_;
  const Endpoint endpoint_;
  std::string page_;
  int status_ = 0;
  unsigned failures_ = 0;  // in a row
  HttpCall call_;
  Timer timer_;
};

ModelPoller::ModelPoller(Loop& loop, Options options, Told told)
    : state_(std::make_unique<State>(loop, std::move(options), std::move(told))) {}

ModelPoller::~ModelPoller() = default;

void ModelPoller::set_endpoints(const std::vector<Endpoint>& endpoints) {
  std::unordered_map<std::uint32_t, std::unique_ptr<Target>> kept;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.address.empty() || !labelled_models(endpoint).empty()) continue;
    const auto old = state_->targets.find(endpoint.key.value);
    if (old != state_->targets.end() && same_place(old->second->endpoint(), endpoint)) {
      kept.emplace(endpoint.key.value, std::move(old->second));
    } else {
      kept.emplace(endpoint.key.value, std::make_unique<Target>(*state_, endpoint));
    }
  }
  state_->targets.swap(kept);
}

std::vector<std::string> labelled_models(const Endpoint& endpoint) {
  std::vector<std::string> names;
  for (const std::string_view key : {"model", "models"}) {
    const std::string* const value = endpoint.label(key);
    if (value == nullptr) continue;
    std::string_view rest = *value;
    while (!rest.empty()) {
      const std::string_view name = trim(take_part(rest, ','));
      if (!name.empty()) names.emplace_back(name);
    }
  }
  return names;
}

}  // namespace pointsman
