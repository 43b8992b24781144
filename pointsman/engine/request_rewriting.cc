// What resources do to a request before it is decided: Pipeline's part of spec/03 sections 10.2 and
// 10.3.

#include <algorithm>
#include <string_view>

#include "pointsman/engine/pipeline.h"
#include "pointsman/engine/request_id.h"

namespace pointsman {
namespace {

constexpr std::string_view kBlanks = " \t\n\r";

// A member that is put in front of the others of a JSON object, and the comma after it.
std::string_view new_member(std::string_view quoted, std::string_view behind, Arena& arena) {
  constexpr std::string_view kKey = R"("model":)";
  const std::size_t next = behind.find_first_not_of(kBlanks);
  const bool alone = next == std::string_view::npos || behind[next] == '}';
  const auto text = arena.array<char>(kKey.size() + quoted.size() + (alone ? 0 : 1));
  auto out = std::ranges::copy(kKey, text.begin()).out;
  out = std::ranges::copy(quoted, out).out;
  if (!alone) *out = ',';
  return {text.data(), text.size()};
}

// Only the bytes of the name change.
void write_model(Session& session) {
  const Request& request = session.request;
  const std::string_view body = session.body;
  const auto pieces = session.arena.array<std::string_view>(3);
  pieces[0] = body;
  session.outgoing = pieces.first(1);
  session.outgoing_bytes = body.size();
  if (!session.parsed.rewritable || request.target_model == request.model) return;

  const std::string_view quoted = quote_json(request.target_model, session.arena);
  if (const auto& place = session.parsed.model_value) {
    const auto [offset, length] = *place;
    pieces[0] = body.substr(0, offset);
    pieces[1] = quoted;
    pieces[2] = body.substr(offset + length);
  } else {
    const std::size_t open = body.find('{');
    if (open == std::string_view::npos) return;  // nowhere to write it
    pieces[0] = body.substr(0, open + 1);
    pieces[2] = body.substr(open + 1);
    pieces[1] = new_member(quoted, pieces[2], session.arena);
  }
  session.outgoing = pieces;
  session.outgoing_bytes = pieces[0].size() + pieces[1].size() + pieces[2].size();
}

}  // namespace

// The model that scheduling works with, the priority, and the body that goes upstream: a rule goes
// before the client's header, and that before the body.
Result<void> Pipeline::rewrite(Session& session, std::uint64_t seed, EngineWorker& worker) const {
  static const RequestRules kNone;
  const RequestRules& rules = worker.rules ? *worker.rules->get() : kNone;
  Request& request = session.request;
  const std::string_view wanted =
      request.header("x-llm-d-model-name-rewrite", "x-gateway-model-name-rewrite");
  request.target_model = wanted.empty() ? request.model : wanted;
  if (session.parsed.rewritable) {
    if (const auto rule = rules.rewrite(request.model, seed)) {
      request.target_model = session.arena.copy(rule->model);
      worker.shard.add(worker.shard.with(metric::kModelRewrites, rule->resource, request.model,
                                         request.target_model));
    }
    if (request.target_model.empty()) {
      return fail(Code::bad_request, "model not found in request body");
    }
  }
  request.priority = rules.priority(
      request.header("x-llm-d-inference-objective", "x-gateway-inference-objective"));
  write_model(session);
  return {};
}

}  // namespace pointsman
