#include "pointsman/sim/sim_engine.h"

#include <algorithm>
#include <span>
#include <utility>

namespace pointsman {
namespace {

// Unsent bytes at which a client that does not read is given up: far above any answer's length.
constexpr std::size_t kMaxUnsent = 16UL << 20U;

double rate(const SimOptions& options) {
  return options.pace ? 1 : options.time_scale;
}

WireForm form(const SimOptions& options) {
  return options.real_size ? WireForm::real_size() : WireForm{};
}

std::int64_t unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

SimEngine::SimEngine(Loop& loop, const SimOptions& options, std::uint64_t seed)
    : options_(options),
      seed_(seed),
      clock_(Clock::now(), rate(options)),
      model_(options.engine),
      metrics_({.model = options.model,
                .block_size = form(options).block_size(),
                .blocks = options.engine.blocks,
                .max_loras = static_cast<std::uint32_t>(options.loras.size())}),
      timer_(loop, [this] { pump(); }) {}

void SimEngine::run(EngineJob job) {
  pump();
  std::uint64_t id = 0;
  const ModelTime arrived = now();
  if (options_.pace) {
    id = next_paced_++;
    paced_.push_back({.due = arrived + *options_.pace, .id = id});
  } else {
    const auto submitted = model_.submit(std::move(job.request.work), arrived);
    if (!submitted) {
      ResponseHead head{.status = 400, .fields = std::move(job.fields)};
      head.fields.set("content-type", "application/json");
      job.exchange->respond(std::move(head), error_body(400, submitted.error().message));
      return;
    }
    id = *submitted;
  }
  HttpExchange& exchange = *job.exchange;
  if (job.request.stream) {
    // Headers go at once, as an engine sends them; the body begins with the first token.
    ResponseHead head{.fields = job.fields};
    head.fields.set("content-type", "text/event-stream; charset=utf-8");
    exchange.start(head);
  }
  CompletionAnswer text(
      job.request.kind,
      {.request_id = job.request_id, .model = job.request.model, .created = unix_seconds()},
      seed_ + id * 1000);
  const Usage usage{.prompt_tokens = job.request.prompt_tokens};
  answers_[id] = std::make_unique<Answer>(
      Answer{.job = std::move(job), .text = std::move(text), .arrived = arrived, .usage = usage});
  exchange.when_gone([this, id] { give_up(id); });
  pump();
}

void SimEngine::set_speed(double speed) {
  pump();
  clock_.set_rate(Clock::now(), rate(options_) * speed);
  arm();
}

void SimEngine::drop_all() {
  for (const auto& [id, answer] : answers_) model_.cancel(id);
  answers_.clear();
  paced_.clear();
}

std::string_view SimEngine::metrics_page() {
  pump();
  if (!options_.loras.empty()) show_loras();
  ModelLoad load = model_.load();
  if (options_.pace) load.running = static_cast<std::uint32_t>(answers_.size());
  return metrics_.page(load);
}

void SimEngine::pump() {
  const ModelTime until = now();
  if (options_.pace) {
    pump_paced(until, *options_.pace);
  } else {
    events_.clear();
    model_.advance(until, events_);
    for (const TokenEvent& event : events_) deliver(event);
  }
  arm();
}

void SimEngine::pump_paced(ModelTime now, ModelTime pace) {
  while (!paced_.empty() && paced_.front().due <= now) {
    const Paced paced = paced_.front();
    paced_.pop_front();
    const auto found = answers_.find(paced.id);
    if (found == answers_.end()) continue;
    const std::uint32_t tokens = found->second->job.request.work.output_tokens;
    const bool last = paced.index + 1 >= tokens;
    if (!last) {
      paced_.push_back({.due = paced.due + pace, .id = paced.id, .index = paced.index + 1});
    }
    deliver({.request = paced.id,
             .at = paced.due,
             .admitted = found->second->arrived,
             .index = paced.index,
             .last = last});
  }
}

void SimEngine::arm() {
  auto next = model_.next_event_time();
  if (options_.pace) {
    next = paced_.empty() ? std::nullopt : std::optional(paced_.front().due);
  }
  const auto when = next ? clock_.when(*next) : Clock::time_point::max();
  if (when == Clock::time_point::max()) {
    timer_.disarm();
  } else {
    timer_.arm_at(when);
  }
}

void SimEngine::deliver(const TokenEvent& event) {
  const auto found = answers_.find(event.request);
  if (found == answers_.end()) return;  // its client went away
  Answer& answer = *found->second;
  count(answer, event);
  if (cut_after_ && event.index >= *cut_after_) {
    if (!answer.job.request.stream) write_half(answer);
    return cut(event.request);
  }
  if (answer.job.request.stream && !write_token(answer, event)) return cut(event.request);
  if (!event.last) return;
  finish(answer);
  metrics_.finished({.finish = answer.job.request.cut_by_limit ? Finish::length : Finish::stop,
                     .prompt_tokens = answer.usage.prompt_tokens,
                     .output_tokens = answer.usage.completion_tokens,
                     .arrived = answer.arrived,
                     .admitted = event.admitted,
                     .first_token = answer.first,
                     .last_token = event.at});
  answers_.erase(found);
}

void SimEngine::count(Answer& answer, const TokenEvent& event) {
  answer.usage.completion_tokens = event.index + 1;
  if (event.index == 0) {
    const std::uint64_t cached =
        std::uint64_t{event.cached_tokens} * form(options_).block_size() / WireForm::kModelTokens;
    answer.usage.cached_tokens = static_cast<std::uint32_t>(cached);
    answer.first = event.at;
    metrics_.first_token(answer.usage.prompt_tokens, answer.usage.cached_tokens,
                         event.at - answer.arrived);
  } else {
    metrics_.next_token(event.at - answer.latest);
  }
  answer.latest = event.at;
}

// False if the client has not read for so long that it is given up.
bool SimEngine::write_token(Answer& answer, const TokenEvent& event) {
  scratch_.clear();
  if (event.index == 0) answer.text.begin(scratch_);
  answer.text.token(event.index, scratch_);
  if (event.last) {
    answer.text.end(finish_reason(answer.job.request),
                    answer.job.request.include_usage ? &answer.usage : nullptr, scratch_);
  }
  answer.job.exchange->write(scratch_);
  return answer.job.exchange->unsent() <= kMaxUnsent;
}

void SimEngine::write_half(Answer& answer) {
  const std::string text = answer.text.whole("stop", answer.usage);
  ResponseHead head{.fields = std::move(answer.job.fields)};
  head.fields.set("content-type", "application/json");
  head.fields.set("content-length", std::to_string(text.size()));
  answer.job.exchange->start(head);
  answer.job.exchange->write(std::string_view(text).substr(0, text.size() / 2));
}

void SimEngine::finish(Answer& answer) {
  HttpExchange& exchange = *answer.job.exchange;
  if (answer.job.request.stream) {
    exchange.finish();
    return;
  }
  ResponseHead head{.fields = std::move(answer.job.fields)};
  head.fields.set("content-type", "application/json");
  exchange.respond(std::move(head),
                   answer.text.whole(finish_reason(answer.job.request), answer.usage));
}

void SimEngine::cut(std::uint64_t id) {
  answers_.at(id)->job.exchange->abort();
  give_up(id);
}

void SimEngine::give_up(std::uint64_t id) {
  const auto found = answers_.find(id);
  if (found == answers_.end()) return;
  const auto answer = std::move(found->second);
  answers_.erase(found);
  model_.cancel(id);
  metrics_.finished({.finish = Finish::abort});
}

void SimEngine::show_loras() {
  std::string running;
  std::string waiting;
  for (const std::string& lora : options_.loras) {
    bool asked = false;
    bool runs = false;
    for (const auto& [id, answer] : answers_) {
      if (answer->job.request.model != lora) continue;
      asked = true;
      runs = runs || options_.pace || !model_.is_waiting(id);
    }
    if (!asked) continue;
    std::string& list = runs ? running : waiting;
    list.append(list.empty() ? "" : ",").append(lora);
  }
  metrics_.loras(running, waiting, static_cast<double>(unix_seconds()));
}

}  // namespace pointsman
