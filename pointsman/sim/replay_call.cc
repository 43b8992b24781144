#include "pointsman/sim/replay_call.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace pointsman {
namespace {

using nlohmann::json;

std::uint32_t number(const json& object, const json::json_pointer& at) {
  return object.contains(at) && object[at].is_number_unsigned() ? object[at].get<std::uint32_t>()
                                                                : 0;
}

}  // namespace

ReplayCall::ReplayCall(HttpClient& client, const HttpTarget& target, const std::string& path,
                       Request request, Done done)
    : request_(std::move(request)), done_(std::move(done)), sent_(Clock::now()) {
  RequestHead head{.method = "POST", .target = path};
  head.fields.add("content-type", "application/json");
  const std::array<std::string_view, 1> body = {*request_.body};
  client.start(call_, target, head, body, *this);
}

void ReplayCall::on_head(const ResponseHead& head) {
  status_ = head.status;
}

void ReplayCall::on_body(std::string_view bytes) {
  if (status_ != 200) return;
  if (!events_.feed(bytes)) problem_ = "an event without end";
  std::string_view event;
  while (events_.next(event)) read(event);
}

void ReplayCall::read(std::string_view event) {
  if (event == "[DONE]") {
    complete_ = true;
    return;
  }
  if (event.contains(R"("finish_reason":null)")) {
    latest_ = Clock::now();
    if (outcome_.output_tokens++ == 0) first_ = latest_;
    return;
  }
  if (!event.contains(R"("usage":{)")) return;
  using Pointer = json::json_pointer;
  const json document = json::parse(event, nullptr, /*allow_exceptions=*/false);
  outcome_.prompt_tokens = number(document, Pointer("/usage/prompt_tokens"));
  outcome_.cached_tokens = number(document, Pointer("/usage/prompt_tokens_details/cached_tokens"));
}

void ReplayCall::on_end() {
  if (status_ != 200) return finish("status " + std::to_string(status_));
  if (!complete_) return finish("the stream ends early");
  if (outcome_.output_tokens != request_.output_tokens) return finish("tokens are missing");
  if (outcome_.prompt_tokens == 0) return finish("no usage");
  finish(std::move(problem_));
}

void ReplayCall::on_failure(HttpFailure failure) {
  finish(std::move(failure.error.message));
}

void ReplayCall::finish(std::string error) {
  const auto model_seconds = [this](Clock::duration time) {
    return std::chrono::duration<double>(time).count() * request_.time_scale;
  };
  outcome_.error = std::move(error);
  outcome_.ttft = model_seconds(first_ - sent_);
  if (outcome_.output_tokens > 1) {
    outcome_.tpot = model_seconds(latest_ - first_) / (outcome_.output_tokens - 1);
  }
  Done done = std::move(done_);
  const ReplayOutcome outcome = std::move(outcome_);
  done(outcome);
}

}  // namespace pointsman
