#include "pointsman/edge/ext_proc/ext_proc_session.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/edge/control_headers.h"
#include "pointsman/edge/ext_proc/grpc_code.h"
#include "pointsman/edge/ext_proc/proxy_metadata.h"
#include "pointsman/engine/error_text.h"
#include "pointsman/engine/request_id.h"

namespace pointsman {
namespace {

using Kind = ProcessingRequest::Kind;
using BodyMode = ProcessingRequest::BodyMode;

// The name in lower case; copied only if it is not.
std::string_view lower_case(std::string_view name, Arena& arena) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (std::ranges::none_of(name, upper)) return arena.copy(name);
  const auto out = arena.array<char>(name.size());
  std::ranges::transform(name, out.begin(), [](char c) { return to_lower(c); });
  return {out.data(), out.size()};
}

// The value of the last header of that name, compared without regard to case.
std::string_view find(std::span<const Header> headers, std::string_view name) {
  std::string_view found;
  for (const Header& header : headers) {
    if (same_name(header.name, name)) found = header.value;
  }
  return found;
}

int status_of(std::span<const Header> headers) {
  std::string_view text = find(headers, ":status");
  if (text.empty()) text = find(headers, "status");
  int status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

}  // namespace

template <typename Message>
void ExtProcSession::send(const Message& message) {
  const std::size_t size = encoded_size(message);
  encode(message, call_->reserve(size).data());
  call_->commit(size);
}

void ExtProcSession::start(GrpcCall& call) {
  reset();
  pipeline_ = *shared_.pipeline.get();
  call_ = &call;
  body_.clear();
  restorer_.reset();
  trace_headers_ = {};
  destination_.clear();
  decision_text_.clear();
  step_ = Step::fresh;
  trailers_ = false;
  with_engine_ = false;
  reset_by_peer_ = false;
  half_closed_ = false;
  if (!shared_.stream_metrics) return;
  opened_ = Clock::now();
  shared_.stream_metrics->opened();
}

void ExtProcSession::received(std::string_view bytes) {
  ProcessingRequest& message = shared_.message;
  if (const auto read = decode(bytes, message); !read) {
    const std::string text = "cannot receive stream request: " + read.error().message;
    note_failure(text);
    return end(how_it_stands(), GrpcStatus::unknown, text);
  }
  switch (message.kind) {
    case Kind::request_headers:
      return request_headers(message);
    case Kind::request_body:
      return request_body(message);
    case Kind::request_trailers:
      return request_complete(/*with_trailers=*/true);
    case Kind::response_headers:
      return response_headers(message);
    case Kind::response_body:
      return response_body(message);
    case Kind::response_trailers:
      return response_trailers();
    case Kind::none:
      return;
  }
}

// Whoever says no more may still wait for the answer.
void ExtProcSession::half_closed() {
  half_closed_ = true;
  if (!with_engine_) end(how_it_stands());
}

void ExtProcSession::cancelled(GrpcStatus why, std::string_view message) {
  call_ = nullptr;
  count_end(why);
  if (!message.empty()) note_failure("cannot receive stream request: " + std::string(message));
  reset_by_peer_ = true;
  end(how_it_stands());
}

// A proxy that holds bodies back, or wants them replaced whole, would wait for ever.
bool ExtProcSession::understood(const ProcessingRequest& message) {
  if (!message.protocol) return true;
  const auto fits = [](BodyMode mode) {
    return mode == BodyMode::full_duplex_streamed || mode == BodyMode::none;
  };
  const bool body_comes = message.end_of_stream || message.protocol->request_body != BodyMode::none;
  if (body_comes && fits(message.protocol->request_body) && fits(message.protocol->response_body)) {
    return true;
  }
  constexpr std::string_view kWhy =
      "processing_mode of ext_proc: request_body_mode must be FULL_DUPLEX_STREAMED, "
      "response_body_mode FULL_DUPLEX_STREAMED or NONE";
  note_failure(kWhy);
  end(Outcome::End::rejected, GrpcStatus::failed_precondition, kWhy);
  return false;
}

void ExtProcSession::request_headers(const ProcessingRequest& message) {
  if (step_ != Step::fresh || !begin(message)) return;
  take_subset(message.metadata);
  if (message.end_of_stream) route_headers_only();
}

// The first message of a request: its headers, unless the proxy leaves them out.
bool ExtProcSession::begin(const ProcessingRequest& message) {
  if (!understood(message)) return false;
  step_ = Step::gathering;
  open(message.headers);
  return true;
}

// Keeps the header lines, which are views into the message, and tells the engine of them.
void ExtProcSession::open(std::span<const Header> lines) {
  const auto kept = arena.array<Header>(lines.size());
  std::ranges::transform(lines, kept.begin(), [&](const Header& header) {
    return Header{lower_case(header.name, arena), arena.copy(header.value)};
  });
  headers = kept;
  request.headers = headers;
  trace_headers_ = {request.header(kTraceparent), request.header(kTracestate),
                    request.header(kBaggage)};
  pipeline_->begin(*this, shared_.tracer.begin(trace_headers_, shared_.worker.random),
                   shared_.worker);
}

// The newest message that names a subset counts.
void ExtProcSession::take_subset(std::string_view metadata) {
  const auto list = metadata_list(metadata, kSubsetSpace, kSubsetKey, shared_.names);
  if (!list) return;
  const auto kept = arena.array<std::string_view>(list->size());
  std::ranges::transform(*list, kept.begin(),
                         [&](std::string_view each) { return arena.copy(each); });
  subset = kept;
}

// Which endpoint the proxy has reached in the end, if it says so.
void ExtProcSession::take_served(std::string_view metadata) {
  response.proxy_tells = has_metadata(metadata, kMetadataSpace);
  if (const auto served = metadata_string(metadata, kMetadataSpace, kServedKey)) {
    response.served = arena.copy(*served);
  }
}

void ExtProcSession::request_body(const ProcessingRequest& message) {
  if (step_ == Step::fresh && !begin(message)) return;
  if (step_ != Step::gathering) return;
  if (body_.size() + message.body.size() > shared_.options.max_body) {
    step_ = Step::deciding;
    return refuse_unread({Code::too_large, "request body is larger than the limit of " +
                                               std::to_string(shared_.options.max_body) +
                                               " bytes"});
  }
  if (!memory_.take(shared_.options.memory, message.body.size())) {
    step_ = Step::deciding;
    return refuse_unread({Code::unavailable, "too many request bodies in memory at once"});
  }
  body_.append(message.body);
  if (!message.end_of_stream) return;
  take_subset(message.metadata);
  request_complete(/*with_trailers=*/false);
}

void ExtProcSession::request_complete(bool with_trailers) {
  if (step_ != Step::gathering) return;
  step_ = Step::deciding;
  arrived_ = shared_.routing_times.arrived();
  trailers_ = with_trailers;
  body = body_.view();
  with_engine_ = true;
  pipeline_->run(pipeline_, *this, shared_.worker);
}

void ExtProcSession::decided(const Result<void>& outcome) {
  with_engine_ = false;
  if (call_ == nullptr) return end(how_it_stands());
  // The proxy has given an answer of its own while the engine thought.
  if (step_ == Step::responding) {
    if (half_closed_) end(how_it_stands());
    return;
  }
  if (!outcome) return refuse(outcome.error());
  for (const EndpointIndex target : decision->targets()) {
    if (!destination_.empty()) destination_ += ',';
    const Endpoint& endpoint = (*decision->fleet)[target];
    const std::uint16_t port = decision->port_of(target);
    destination_ += port == endpoint.port ? endpoint.host_port : endpoint.host_and(port);
  }
  send_route(destination_, outgoing_bytes);
  send_request_body();
  shared_.routing_times.replied(arrived_);
  step_ = Step::routed;
  pipeline_->sent(*this, shared_.worker);
  // An orderly end of the call lets the proxy go on without us.
  if (parsed.skip_response) return end(Outcome::End::finished);
  if (half_closed_) end(how_it_stands());
}

void ExtProcSession::route_headers_only() {
  const std::shared_ptr<const Fleet> fleet = shared_.worker.fleet.get();
  const auto endpoint = pipeline_->any_endpoint(*this, *fleet, shared_.worker);
  if (!endpoint) return refuse_unread(endpoint.error());
  send_route((*fleet)[*endpoint].host_port, 0);
  step_ = Step::routed;
}

void ExtProcSession::send_route(std::string_view destination, std::size_t content_length) {
  std::array<Header, 3> trace_fields{};
  std::size_t traced = 0;
  if (trace.installed()) {
    outgoing_trace_ = Tracer::outgoing(trace, trace_headers_);
    const auto& [parent, state, baggage] = outgoing_trace_;
    trace_fields[traced++] = {kTraceparent, {parent.data(), parent.size()}};
    if (!state.empty()) trace_fields[traced++] = {kTracestate, state};
    if (!baggage.empty()) trace_fields[traced++] = {kBaggage, baggage};
  }
  collect_route_headers();
  client_control_headers(headers, shared_.names);
  apply_edits(upstream_edits);
  for (const std::string_view name : upstream_edits.removed()) {
    const auto same = [&](std::string_view other) { return same_name(other, name); };
    if (std::ranges::none_of(shared_.names, same)) shared_.names.push_back(name);
  }
  // The state of a trace that is not continued is nobody's.
  const bool traced_anew = traced > 0 && outgoing_trace_.tracestate.empty();
  if (traced_anew && request.has_header(kTracestate)) shared_.names.push_back(kTracestate);
  collect_scores();
  send(RequestHeadersResponse{.destination = destination,
                              .content_length = content_length,
                              .trace = std::span(trace_fields).first(traced),
                              .set = shared_.set,
                              .removed = shared_.names,
                              .scores = shared_.scores,
                              .metadata = {}});
}

void ExtProcSession::collect_route_headers() {
  shared_.set.clear();
  constexpr std::string_view kRequestId = "x-request-id";
  // One was made, or the client's was empty.
  if (request.header(kRequestId).empty()) shared_.set.push_back({kRequestId, request.id});
}

// What plugins changed goes over what the router sets itself.
void ExtProcSession::apply_edits(const HeaderEdits& edits) {
  for (const std::string_view name : edits.removed()) {
    std::erase_if(shared_.set, [&](const Header& h) { return same_name(h.name, name); });
  }
  for (const Header& line : edits.lines()) {
    std::erase_if(shared_.set, [&](const Header& h) { return same_name(h.name, line.name); });
    std::erase_if(shared_.names, [&](std::string_view name) { return same_name(name, line.name); });
    shared_.set.push_back(line);
  }
}

void ExtProcSession::collect_scores() {
  shared_.scores.clear();
  if (!shared_.options.emit_scores || decision == nullptr || decision->primary < 0) return;
  const ProfileRun& run = decision->runs[static_cast<std::size_t>(decision->primary)];
  const auto candidates = decision->candidates_of(run);
  const auto totals = decision->totals_of(run);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    shared_.scores.push_back({(*decision->fleet)[candidates[i]].host_port, totals[i]});
  }
}

void ExtProcSession::send_request_body() {
  chunked(Phase::request, outgoing, !trailers_, {}, [&](const StreamedBody& part) { send(part); });
  if (trailers_) send(TrailersResponse{.phase = Phase::request, .metadata = {}});
}

void ExtProcSession::response_headers(const ProcessingRequest& message) {
  if (step_ == Step::responding) return;
  if (step_ == Step::fresh) open({});
  // A request of headers alone was routed unread, and its response is none of inference.
  if (step_ != Step::routed) pipeline_->adopt(*this);
  step_ = Step::responding;
  const std::string_view content_type = find(message.headers, "content-type");
  take_served(message.metadata);
  pipeline_->response_started(*this, status_of(message.headers), content_type, shared_.worker);
  if (may_restore_model(content_type, find(message.headers, "content-encoding"))) {
    restorer_.begin(request.target_model, request.model, quote_json(request.model, arena));
  }
  shared_.set.clear();
  if (shared_.options.decision_header && decision != nullptr) {
    decision_text_ = decision_id_text(decision->id);
    shared_.set.push_back({"x-pointsman-decision", decision_text_});
  }
  // Such a response has no body: 204, an answer to HEAD, a gRPC error.
  if (message.end_of_stream) pipeline_->response_chunk(*this, {}, true, shared_.worker);
  apply_edits(client_edits);
  const auto metadata = message.end_of_stream ? encode(proxy_metadata, arena) : std::string_view();
  send(ResponseHeadersResponse{.set = shared_.set, .metadata = metadata});
}

void ExtProcSession::response_body(const ProcessingRequest& message) {
  if (step_ != Step::responding || response.complete) return;
  pipeline_->response_chunk(*this, message.body, message.end_of_stream, shared_.worker);
  send_response(message.body, message.end_of_stream);
}

void ExtProcSession::send_response(std::string_view bytes, bool end_of_stream) {
  const std::array<std::string_view, 1> out{restorer_.pass(bytes, end_of_stream)};
  if (out[0].empty() && !bytes.empty() && !end_of_stream) return;  // held back
  const auto metadata = end_of_stream ? encode(proxy_metadata, arena) : std::string_view();
  chunked(Phase::response, out, end_of_stream, metadata,
          [&](const StreamedBody& part) { send(part); });
}

void ExtProcSession::response_trailers() {
  if (step_ != Step::responding) return;
  std::string_view metadata;
  if (!response.complete) {
    const std::array<std::string_view, 1> rest{restorer_.pass({}, true)};
    if (!rest[0].empty()) {
      chunked(Phase::response, rest, false, {}, [&](const StreamedBody& part) { send(part); });
    }
    pipeline_->response_chunk(*this, {}, true, shared_.worker);
    metadata = encode(proxy_metadata, arena);
  }
  send(TrailersResponse{.metadata = metadata});
}

void ExtProcSession::refuse_unread(const Error& error) {
  pipeline_->failed(*this, error);
  refuse(error);
}

void ExtProcSession::refuse(const Error& error) {
  const std::string text = error_text(error);
  const std::array<Header, 1> dropped{{{kDroppedHeader, error.drop_reason}}};
  const bool grpc = to_lower(find(headers, "content-type")).starts_with("application/grpc");
  const auto status = static_cast<std::uint32_t>(grpc_status(error.code));
  send(ImmediateResponse{.status = http_status(error.code),
                         .headers = std::span(dropped).first(error.drop_reason.empty() ? 0 : 1),
                         .body = text,
                         .grpc_status = grpc ? std::optional(status) : std::nullopt});
  end(Outcome::End::rejected);
}

// How the transaction stands if nothing more is said about it.
Outcome::End ExtProcSession::how_it_stands() const {
  if (response.complete) return Outcome::End::finished;
  return reset_by_peer_ ? Outcome::End::client_aborted : Outcome::End::pending;
}

void ExtProcSession::count_end(GrpcStatus status) {
  if (shared_.stream_metrics) shared_.stream_metrics->ended(status, Clock::now() - opened_);
}

void ExtProcSession::end(Outcome::End how, GrpcStatus status, std::string_view text) {
  if (GrpcCall* call = std::exchange(call_, nullptr)) {
    call->finish(status, text);
    count_end(status);
  }
  if (with_engine_) return;  // decided() will come, and end what is left
  pipeline_->finish(*this, how, shared_.worker);
  shared_.tracer.finish(std::move(trace), !kept_by.empty());
  pipeline_.reset();
  decision.reset();
  shared_.sessions.recycle(arena, body_);
  memory_.give_back();
  shared_.sessions.give_back(this);
}

}  // namespace pointsman
