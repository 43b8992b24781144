#include "pointsman/record/decision_frame.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "pointsman/record/bytes.h"
#include "pointsman/record/column_codec.h"
#include "pointsman/stage/inputs.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxRuns = 64;
constexpr std::size_t kMaxScores = 4U << 20U;  // of one decision
constexpr std::size_t kMaxError = 4096;
constexpr std::size_t kMaxHeaderText = 16U << 20U;

// Bits of the flags.
constexpr std::uint64_t kHasInputs = 1;
constexpr std::uint64_t kExact = 2;
constexpr std::uint64_t kStream = 4;
constexpr std::uint64_t kHasMaxOutput = 8;
constexpr std::uint64_t kSameModel = 16;  // the target model is the client's

std::string_view cut(std::string_view text) {
  return text.substr(0, kMaxInputText);
}

// Ascending endpoints as distances; `all` of a fleet take one byte.
void write_list(ByteWriter& out, std::span<const EndpointIndex> list, std::size_t endpoints) {
  const bool all = list.size() == endpoints;
  out.varint(list.size() * 2 + (all ? 1 : 0));
  if (all) return;
  EndpointIndex next = 0;
  for (const EndpointIndex e : list) {
    out.zigzag(std::int64_t{e} - next);
    next = e + 1;
  }
}

void read_list(ByteReader& in, std::size_t endpoints, std::vector<EndpointIndex>& into) {
  const std::uint64_t head = in.varint();
  const std::size_t count = static_cast<std::size_t>(head / 2);
  const bool all = head % 2 == 1;
  if (count > endpoints || (all && count != endpoints) || (!all && count > in.left())) {
    return in.refuse();
  }
  std::int64_t next = 0;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    // Each distance lies within the fleet's size, so nothing overflows.
    const std::int64_t step = all ? 0 : in.zigzag();
    const auto most = static_cast<std::int64_t>(endpoints);
    if (step < -most || step > most) return in.refuse();
    const std::int64_t e = next + step;
    if (e < 0 || e >= most) return in.refuse();
    next = e + 1;
    into.push_back(static_cast<EndpointIndex>(e));
  }
}

void write_drops(ByteWriter& out, std::span<const Drop> drops) {
  out.varint(drops.size());
  for (const Drop& drop : drops) {
    out.varint(drop.endpoint);
    out.u8(drop.filter);
    out.u8(static_cast<std::uint8_t>(drop.reason));
  }
}

void read_drops(ByteReader& in, const Decision& d, const Plan::Profile* profile,
                std::vector<Drop>& into) {
  const std::size_t endpoints = d.fleet->size();
  const std::size_t filters = profile == nullptr ? 0 : profile->filters.size();
  for (std::size_t left = in.count(endpoints, 3); left > 0 && in.ok(); --left) {
    Drop drop{.endpoint = static_cast<EndpointIndex>(in.below(endpoints)), .filter = in.u8()};
    drop.reason = static_cast<DropReason>(in.below(kDropReasons));
    if (drop.filter != Drop::kBeforeFilters && drop.filter >= filters) in.refuse();
    if (in.ok()) into.push_back(drop);
  }
}

void write_inputs(ByteWriter& out, const Decision& d) {
  const Inputs& inputs = d.inputs;
  out.text(inputs.path);
  out.text(inputs.fairness_id);
  out.distance(inputs.received, d.at);
  out.distance(inputs.stale_before, d.at);
  if (inputs.max_output_tokens) out.zigzag(*inputs.max_output_tokens);
  out.varint(inputs.print.prompts);
  out.varint(inputs.print.parts);
  out.varint(inputs.print.images);
  out.varint(inputs.print.audios);
  out.varint(inputs.print.videos);
  out.varint(inputs.print.bytes);
  out.u64(inputs.print.hash);
  for (const std::int32_t size : inputs.header_sizes) out.zigzag(size);
  out.text(inputs.header_text);
  write_list(out, inputs.candidates, d.fleet->size());
  encode_columns(inputs, out);
}

void read_inputs(ByteReader& in, std::uint64_t flags, Decision& d) {
  Inputs& inputs = d.inputs;
  inputs.exact = (flags & kExact) != 0;
  inputs.stream = (flags & kStream) != 0;
  inputs.path = in.text(kMaxInputText);
  inputs.fairness_id = in.text(kMaxInputText);
  inputs.received = in.moment(d.at);
  inputs.stale_before = in.moment(d.at);
  if ((flags & kHasMaxOutput) != 0) inputs.max_output_tokens = in.zigzag();
  for (std::uint32_t* count : {&inputs.print.prompts, &inputs.print.parts, &inputs.print.images,
                               &inputs.print.audios, &inputs.print.videos}) {
    *count = static_cast<std::uint32_t>(in.below(1ULL << 32U));
  }
  inputs.print.bytes = in.varint();
  inputs.print.hash = in.u64();
  std::size_t texts = 0;
  for (std::size_t h = 0; h < inputs.schema->headers.size() && in.ok(); ++h) {
    const std::int64_t size = in.zigzag();
    if (size < -1 || size > static_cast<std::int64_t>(kMaxInputText)) return in.refuse();
    inputs.header_sizes.push_back(static_cast<std::int32_t>(size));
    texts += size < 0 ? 0 : static_cast<std::size_t>(size);
  }
  inputs.header_text = in.text(kMaxHeaderText);
  if (inputs.header_text.size() != texts) return in.refuse();
  read_list(in, d.fleet->size(), inputs.candidates);
  if (in.ok()) decode_columns(in, inputs);
}

// A row of scores for display, with the hash of what it was exactly.
void write_row(ByteWriter& out, std::span<const double> row, std::uint64_t hash) {
  out.u64(hash);
  const auto same = [&](double value) {
    return static_cast<float>(value) == static_cast<float>(row[0]);
  };
  const bool constant = std::ranges::all_of(row, same);
  out.u8(constant ? 1 : 0);
  for (const double value : row.first(constant ? 1 : row.size())) {
    out.f32(static_cast<float>(value));
  }
}

void read_row(ByteReader& in, std::size_t n, Decision& d) {
  const bool constant = in.u8() != 0;
  const std::size_t at = d.scores.size();
  if (at + n > kMaxScores) return in.refuse();
  d.scores.resize(at + n);
  double value = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    if (i == 0 || !constant) value = in.f32();
    d.scores[at + i] = value;
  }
}

void write_run(ByteWriter& out, const Decision& d, const ProfileRun& run,
               std::span<const std::uint64_t> rows, std::uint64_t totals) {
  const std::size_t endpoints = d.fleet->size();
  out.varint(run.profile);
  out.u8(run.failed ? 1 : 0);
  write_drops(out, d.drops_of(run));
  for (const auto at : {run.filtered, run.scored, run.picked}) out.distance(at, d.at);
  if (run.failed) return;
  write_list(out, d.candidates_of(run), endpoints);
  for (std::size_t s = 0; s < rows.size(); ++s) write_row(out, d.scores_of(run, s), rows[s]);
  out.u64(totals);
  out.varint(run.ties);
  out.varint(run.picks);
  for (const EndpointIndex e : d.picks_of(run)) out.varint(e);
}

// Totals for display, from the rounded scores.
void add_totals(const Plan::Profile& profile, const ProfileRun& run, Decision& d) {
  for (std::size_t i = 0; i < run.candidates; ++i) {
    double total = 0.0;
    for (std::size_t s = 0; s < profile.scorers.size(); ++s) {
      total +=
          counted(d.scores[run.first_score + s * run.candidates + i]) * profile.scorers[s].weight;
    }
    d.totals.push_back(total);
  }
}

void read_run(ByteReader& in, RecordedDecision& into) {
  Decision& d = into.decision;
  const std::size_t endpoints = d.fleet->size();
  ProfileRun run{.profile = static_cast<std::uint16_t>(in.below(d.plan->profiles.size()))};
  run.failed = in.u8() != 0;
  if (!in.ok()) return;
  const Plan::Profile& profile = d.plan->profiles[run.profile];
  run.first_candidate = static_cast<std::uint32_t>(d.candidates.size());
  run.first_drop = static_cast<std::uint32_t>(d.drops.size());
  run.first_score = static_cast<std::uint32_t>(d.scores.size());
  run.first_reading = static_cast<std::uint32_t>(d.readings.size());
  run.first_total = static_cast<std::uint32_t>(d.totals.size());
  run.first_pick = static_cast<std::uint32_t>(d.picks.size());
  read_drops(in, d, &profile, d.drops);
  run.drops = static_cast<std::uint32_t>(d.drops.size()) - run.first_drop;
  run.began = d.at;
  for (auto* at : {&run.filtered, &run.scored, &run.picked}) *at = in.moment(d.at);
  if (!run.failed) {
    read_list(in, endpoints, d.candidates);
    run.candidates = static_cast<std::uint32_t>(d.candidates.size()) - run.first_candidate;
    for (std::size_t s = 0; s < profile.scorers.size() && in.ok(); ++s) {
      into.row_hashes.push_back(in.u64());
      read_row(in, run.candidates, d);
    }
    into.total_hashes.push_back(in.u64());
    run.ties = static_cast<std::uint32_t>(in.below(endpoints + 1));
    run.picks = static_cast<std::uint32_t>(in.count(run.candidates));
    for (std::uint32_t i = 0; i < run.picks; ++i) {
      d.picks.push_back(static_cast<EndpointIndex>(in.below(endpoints)));
    }
    if (!in.ok()) return;
    d.readings.resize(d.scores.size());
    std::fill(d.readings.begin() + run.first_reading, d.readings.end(),
              std::numeric_limits<float>::quiet_NaN());
    add_totals(profile, run, d);
  }
  d.runs.push_back(run);
}

}  // namespace

void hash_rows(const Decision& decision, std::vector<std::uint64_t>& rows,
               std::vector<std::uint64_t>& totals) {
  for (const ProfileRun& run : decision.runs) {
    if (run.failed) continue;
    const std::size_t scorers = decision.plan->profiles[run.profile].scorers.size();
    for (std::size_t s = 0; s < scorers; ++s) rows.push_back(hash_row(decision.scores_of(run, s)));
    totals.push_back(hash_row(decision.totals_of(run)));
  }
}

void encode_decision(const Decision& d, std::uint64_t pipeline, std::uint64_t fleet,
                     RecordedDecision& hashes, std::string& out) {
  ByteWriter writer(out);
  const bool inputs = d.inputs.taken;
  writer.u64(d.id);
  writer.u64(static_cast<std::uint64_t>(d.at.time_since_epoch().count()));
  writer.u64(static_cast<std::uint64_t>(d.wall.time_since_epoch().count()));
  writer.varint(pipeline);
  writer.varint(fleet);
  writer.varint((inputs ? kHasInputs : 0) | (d.inputs.exact ? kExact : 0) |
                (d.inputs.stream ? kStream : 0) | (d.inputs.max_output_tokens ? kHasMaxOutput : 0) |
                (d.target_model == d.model ? kSameModel : 0));
  writer.text(cut(d.request_id));
  writer.text(cut(d.model));
  if (d.target_model != d.model) writer.text(cut(d.target_model));
  writer.varint(d.body_bytes);
  writer.zigzag(d.priority);
  writer.u64(d.seed);
  writer.zigzag(d.predicted_cached_tokens);
  writer.text(cut(d.error));
  writer.distance(d.done, d.at);
  if (inputs) write_inputs(writer, d);
  const std::size_t before = d.runs.empty() ? d.drops.size() : d.runs[0].first_drop;
  write_drops(writer, std::span(d.drops).first(before));
  writer.varint(d.runs.size());
  writer.zigzag(d.primary);
  hashes.row_hashes.clear();
  hashes.total_hashes.clear();
  hash_rows(d, hashes.row_hashes, hashes.total_hashes);
  std::span<const std::uint64_t> rows = hashes.row_hashes;
  std::span<const std::uint64_t> totals = hashes.total_hashes;
  for (const ProfileRun& run : d.runs) {
    const std::size_t scorers = run.failed ? 0 : d.plan->profiles[run.profile].scorers.size();
    write_run(writer, d, run, rows.first(scorers), run.failed ? 0 : totals.front());
    rows = rows.subspan(scorers);
    if (!run.failed) totals = totals.subspan(1);
  }
}

Decoded decode_decision(std::string_view bytes, const FrameContext& context,
                        RecordedDecision& into) {
  into.reset();
  Decision& d = into.decision;
  ByteReader in(bytes);
  d.id = in.u64();
  d.at = Clock::time_point(Clock::duration(static_cast<std::int64_t>(in.u64())));
  d.wall = std::chrono::system_clock::time_point(
      std::chrono::system_clock::duration(static_cast<std::int64_t>(in.u64())));
  const std::uint64_t pipeline = in.varint();
  const std::uint64_t fleet = in.varint();
  const std::uint64_t flags = in.varint();
  if (!in.ok()) return Decoded::damaged;
  const RecordedPipeline* const made_by = context.pipeline(pipeline);
  d.fleet = context.fleet(fleet);
  if (made_by == nullptr || d.fleet == nullptr) return Decoded::orphan;
  d.plan = made_by->plan;
  d.request_id = in.text(kMaxInputText);
  d.model = in.text(kMaxInputText);
  d.target_model = (flags & kSameModel) != 0 ? d.model : std::string(in.text(kMaxInputText));
  d.body_bytes = static_cast<std::size_t>(in.varint());
  d.priority = static_cast<int>(in.zigzag());
  d.seed = in.u64();
  d.predicted_cached_tokens = in.zigzag();
  d.error = in.text(kMaxError);
  d.done = in.moment(d.at);
  d.inputs.schema = made_by->schema;
  if ((flags & kHasInputs) != 0) {
    d.inputs.taken = true;
    read_inputs(in, flags, d);
  }
  if (in.ok()) read_drops(in, d, nullptr, d.drops);
  const std::size_t runs = in.count(kMaxRuns);
  const std::int64_t primary = in.zigzag();
  for (std::size_t i = 0; i < runs && in.ok(); ++i) read_run(in, into);
  if (!in.done() || primary < -1 || primary >= static_cast<std::int64_t>(runs)) {
    return Decoded::damaged;
  }
  d.primary = static_cast<std::int32_t>(primary);
  return Decoded::whole;
}

}  // namespace pointsman
