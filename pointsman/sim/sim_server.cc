#include "pointsman/sim/sim_server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace pointsman {
namespace {

using nlohmann::json;

constexpr std::size_t kSeen = 64;       // requests that /sim/requests shows
constexpr std::size_t kMaxHeld = 4096;  // connections that a hanging server keeps open
constexpr std::uint64_t kMaxBody = 16UL << 20U;
constexpr auto kRetry = std::chrono::milliseconds(100);

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Looks like anything but a metrics page: broken lines, bytes that are no text, a line without end.
std::string garbage() {
  std::string out = "vllm:num_requests_waiting{engine=\"0\" 5\nvllm:num_requests_running nope\n";
  Random random(7);
  for (int i = 0; i < 512; ++i) out += static_cast<char>(random.below(256));
  return out + "\nvllm:kv_cache_usage_perc{" + std::string(100'000, 'x');
}

std::string endless_lines() {
  std::string out;
  for (int i = 0; out.size() < 64UL << 10U; ++i) {
    out += "vllm:endless_total{part=\"" + std::to_string(i) + "\"} 1.0\n";
  }
  return out;
}

// The status that the header x-return-error asks for, if any; 400 with a text if it is none.
std::optional<std::pair<int, std::string>> asked_error(const HttpFields& fields) {
  const auto value = fields.find("x-return-error");
  if (!value) return std::nullopt;
  int status = 0;
  const auto [end, error] = std::from_chars(value->begin(), value->end(), status);
  if (error != std::errc() || end != value->end() || status < 200 || status > 599) {
    return std::pair(400, "Invalid X-Return-Error header value \"" + std::string(*value) +
                              "\": must be an integer");
  }
  return std::pair(status, "Simulated error triggered by X-Return-Error header (code " +
                               std::to_string(status) + ")");
}

}  // namespace

SimServer::SimServer(Loop& loop, const SimOptions& options, std::size_t number, FaultDesk desk)
    : loop_(loop),
      options_(options),
      number_(number),
      desk_(std::move(desk)),
      random_(options.seed + number),
      engine_(loop, options, random_.next()),
      death_(loop, [this] { close(); }),
      recovery_(loop, [this] { clear_faults(); }) {}

SimServer::~SimServer() {
  close();
}

Result<std::unique_ptr<SimServer>> SimServer::open(Loop& loop, const SimOptions& options,
                                                   std::size_t number, const Address& at,
                                                   FaultDesk desk) {
  std::unique_ptr<SimServer> server(new SimServer(loop, options, number, std::move(desk)));
  if (auto listening = server->listen(at); !listening) {
    return std::unexpected(std::move(listening).error());
  }
  return server;
}

Result<void> SimServer::listen(const Address& at) {
  const auto take = [this](std::unique_ptr<Stream> stream) {
    if (http_) http_->serve(std::move(stream));
  };
  POINTSMAN_TRY(listener, Listener::open(loop_, at, {}, {{.loop = loop_, .take = take}}));
  const HttpServerOptions http{.body_bytes = kMaxBody};
  http_ = std::make_unique<HttpServer>(
      loop_, http, [this](std::unique_ptr<HttpExchange> exchange) { serve(std::move(exchange)); });
  listener_ = std::move(listener);
  address_ = listener_->address();
  return {};
}

void SimServer::close() {
  engine_.drop_all();
  engine_.lose_cache();
  arriving_.clear();
  held_.clear();
  pours_.clear();
  listener_.reset();
  http_.reset();
}

void SimServer::apply(const FaultOrder& order) {
  if (order.kind == FaultKind::clear) return clear_faults();
  if (order.kind == FaultKind::cache_loss) return engine_.lose_cache();
  faults_.add(order);
  update_engine();
  if (order.kind == FaultKind::dead) death_.arm(std::chrono::nanoseconds(0));
  if (order.lasts) recovery_.arm(*order.lasts);
}

void SimServer::clear_faults() {
  faults_ = {};
  death_.disarm();
  recovery_.disarm();
  update_engine();
  if (!listener_ && !listen(address_)) recovery_.arm(kRetry);  // someone else has the port: wait
  pours_.clear();
  for (auto& [key, exchange] : std::exchange(held_, {})) serve(std::move(exchange));
}

void SimServer::update_engine() {
  engine_.set_speed(faults_.hang ? 0 : 1 / faults_.slow);
  engine_.cut_answers_after(faults_.cut_after);
}

void SimServer::serve(std::unique_ptr<HttpExchange> exchange) {
  const std::string method = exchange->head().method;
  const std::string path(exchange->head().path());
  if (path == "/sim/faults" && method == "POST") {
    return receive(std::move(exchange),
                   [this](auto asked, std::string_view body) { control(*asked, body); });
  }
  if (path.starts_with("/sim/")) return show(*exchange, path);
  if (faults_.hang) return hold(std::move(exchange));
  if (path == "/metrics" && method == "GET") return metrics(std::move(exchange));
  const bool chat = path == "/v1/chat/completions";
  if ((chat || path == "/v1/completions") && method == "POST") {
    const auto kind = chat ? CompletionKind::chat : CompletionKind::text;
    return receive(std::move(exchange), [this, kind](auto asked, std::string_view body) {
      complete(std::move(asked), kind, body);
    });
  }
  show(*exchange, path);
}

void SimServer::show(HttpExchange& exchange, std::string_view path) {
  constexpr std::array kPosts = {"/v1/chat/completions", "/v1/completions"};
  if (exchange.head().method != "GET" || std::ranges::count(kPosts, path) > 0) {
    return respond(exchange, 405, R"({"detail":"Method Not Allowed"})");
  }
  if (path == "/health") return exchange.respond({.status = 200}, "");
  if (path == "/v1/models") return respond(exchange, 200, models_json());
  if (path == "/sim/faults") return respond(exchange, 200, faults_.json());
  if (path == "/sim/requests") return respond(exchange, 200, seen_json());
  respond(exchange, 404, R"({"detail":"Not Found"})");
}

void SimServer::control(HttpExchange& exchange, std::string_view body) {
  const auto order = parse_fault(body);
  if (!order) return refuse(exchange, 400, order.error().message);
  const auto faults = desk_(*order, number_);
  if (!faults) return refuse(exchange, 404, faults.error().message);
  respond(exchange, 200, *faults);
}

// The body may be there at once, or the peer may go away, in which case `use` is never called.
void SimServer::receive(std::unique_ptr<HttpExchange> exchange, Use use) {
  const std::uint64_t key = next_key_++;
  Arriving& arriving = *(arriving_[key] = std::make_unique<Arriving>(
                             Arriving{.exchange = std::move(exchange), .use = std::move(use)}));
  arriving.exchange->gather_body(arriving.body, [this, key](Result<std::string_view> body) {
    const auto found = arriving_.extract(key);
    if (body) found.mapped()->use(std::move(found.mapped()->exchange), *body);
  });
}

void SimServer::complete(std::unique_ptr<HttpExchange> exchange, CompletionKind kind,
                         std::string_view body) {
  remember(*exchange, body.size());
  const HttpFields& fields = exchange->head().fields;
  const auto error = asked_error(fields);
  if (error) return refuse(*exchange, error->first, error->second);
  if (faults_.error) {
    return refuse(*exchange, *faults_.error, "The server is overloaded or not ready yet.");
  }
  const WireForm form = options_.real_size ? WireForm::real_size() : WireForm{};
  auto request =
      parse_completion(kind, body, {.form = form, .default_output = options_.output_tokens});
  if (!request) return refuse(*exchange, 400, request.error().message);
  if (request->model.empty()) request->model = options_.model;
  if (!serves(request->model)) {
    return refuse(*exchange, 404, "The model `" + request->model + "` does not exist.", "model");
  }
  const std::string id = request_id(*exchange);
  engine_.run({.exchange = std::move(exchange),
               .request = *std::move(request),
               .request_id = id,
               .fields = answer_fields(id)});
}

void SimServer::metrics(std::unique_ptr<HttpExchange> exchange) {
  ResponseHead head;
  head.fields.add("content-type", "text/plain; version=0.0.4; charset=utf-8");
  switch (faults_.metrics) {
    case FaultKind::metrics_hang:
      return hold(std::move(exchange));
    case FaultKind::metrics_garbage:
      return exchange->respond(std::move(head), garbage());
    case FaultKind::metrics_endless: {
      const std::uint64_t key = next_key_++;
      exchange->start(head);
      exchange->when_gone([this, key] { pours_.erase(key); });
      pours_[key] = std::move(exchange);
      return pour(key);
    }
    default:
      return exchange->respond(std::move(head), engine_.metrics_page());
  }
}

void SimServer::pour(std::uint64_t key) {
  static const std::string kLines = endless_lines();
  HttpExchange& exchange = *pours_.at(key);
  exchange.write(kLines);
  exchange.when_writable([this, key] {
    if (pours_.contains(key)) pour(key);
  });
}

void SimServer::hold(std::unique_ptr<HttpExchange> exchange) {
  if (held_.size() >= kMaxHeld) return;  // dropped, as by a full backlog
  const std::uint64_t key = next_key_++;
  exchange->when_gone([this, key] { held_.erase(key); });
  held_[key] = std::move(exchange);
}

void SimServer::respond(HttpExchange& exchange, int status, std::string_view json) const {
  ResponseHead head{.status = status, .fields = answer_fields({})};
  head.fields.add("content-type", "application/json");
  exchange.respond(std::move(head), json);
}

void SimServer::refuse(HttpExchange& exchange, int status, std::string_view message,
                       std::string_view param) const {
  ResponseHead head{
      .status = status,
      .fields = answer_fields(exchange.head().fields.find("x-request-id").value_or(""))};
  head.fields.add("content-type", "application/json");
  if (status == 429 || status == 503) head.fields.add("retry-after", "1");
  exchange.respond(std::move(head), error_body(status, message, param));
}

void SimServer::remember(const HttpExchange& exchange, std::size_t body_bytes) {
  if (seen_.size() == kSeen) seen_.pop_front();
  const RequestHead& head = exchange.head();
  seen_.push_back({.method = head.method,
                   .target = head.target,
                   .fields = head.fields,
                   .body_bytes = body_bytes});
}

std::string SimServer::models_json() const {
  json data = json::array();
  const auto add = [&](const std::string& id, const json& parent) {
    data.push_back(
        {{"id", id},
         {"object", "model"},
         {"created", 1'760'000'000},
         {"owned_by", "vllm"},
         {"root", id},
         {"parent", parent},
         {"max_model_len", std::uint64_t{options_.engine.blocks} * options_.engine.block_tokens}});
  };
  add(options_.model, nullptr);
  for (const std::string& lora : options_.loras) add(lora, options_.model);
  return text_of({{"object", "list"}, {"data", data}});
}

std::string SimServer::seen_json() const {
  json out = json::array();
  for (const Seen& seen : seen_) {
    json headers = json::array();
    for (std::size_t i = 0; i < seen.fields.size(); ++i) {
      headers.push_back(json::array({seen.fields[i].name, seen.fields[i].value}));
    }
    out.push_back({{"method", seen.method},
                   {"target", seen.target},
                   {"headers", std::move(headers)},
                   {"body_bytes", seen.body_bytes}});
  }
  return text_of(out);
}

std::string SimServer::request_id(const HttpExchange& exchange) {
  if (const auto given = exchange.head().fields.find("x-request-id")) return std::string(*given);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (std::uint64_t bits = random_.next(); id.size() < 16; bits >>= 4U) id += kDigits[bits & 15U];
  return id;
}

HttpFields SimServer::answer_fields(std::string_view request_id) const {
  HttpFields fields;
  fields.add("x-inference-pod", "sim-" + std::to_string(number_));
  fields.add("x-inference-port", std::to_string(address_.port));
  if (!request_id.empty()) fields.add("x-request-id", request_id);
  return fields;
}

bool SimServer::serves(std::string_view model) const {
  return model == options_.model || std::ranges::count(options_.loras, model) > 0;
}

}  // namespace pointsman
