// The frames that a record writes seldom: pipelines; and outcomes, which are small.

#include <functional>
#include <string>
#include <utility>

#include "pointsman/record/bytes.h"
#include "pointsman/record/column_codec.h"
#include "pointsman/record/decision_frame.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxConfig = 8U << 20U;
constexpr std::size_t kMaxName = 4096;
constexpr std::size_t kMaxHeaders = 1024;
constexpr std::size_t kMaxColumns = 1024;
constexpr std::size_t kMaxFields = 64;
constexpr std::size_t kMaxProfiles = 1024;
constexpr std::size_t kMaxPlugins = 255;
constexpr std::uint8_t kTypes = 5;

void write_name(ByteWriter& out, const TypedName& name) {
  out.text(name.type);
  out.text(name.name);
}

TypedName read_name(ByteReader& in) {
  std::string type(in.text(kMaxName));
  return {std::move(type), std::string(in.text(kMaxName))};
}

void write_profile(ByteWriter& out, const Plan::Profile& profile) {
  out.text(profile.name);
  out.varint(profile.filters.size());
  for (const Plan::Filter& filter : profile.filters) write_name(out, filter.name);
  out.varint(profile.scorers.size());
  for (const Plan::Scorer& scorer : profile.scorers) {
    write_name(out, scorer.name);
    out.f64(scorer.weight);
    out.u8(static_cast<std::uint8_t>(scorer.reading.from));
    out.u8(static_cast<std::uint8_t>(scorer.reading.load));
    out.text(scorer.unit);
  }
  write_name(out, profile.picker);
}

Plan::Profile read_profile(ByteReader& in) {
  Plan::Profile profile{.name = std::string(in.text(kMaxName))};
  for (std::size_t left = in.count(kMaxPlugins); left > 0 && in.ok(); --left) {
    profile.filters.push_back({read_name(in)});
  }
  for (std::size_t left = in.count(kMaxPlugins); left > 0 && in.ok(); --left) {
    Plan::Scorer scorer{.name = read_name(in), .weight = in.f64()};
    scorer.reading.from = static_cast<Reading::From>(in.below(4));
    scorer.reading.load = static_cast<Load>(in.below(kLoads));
    scorer.unit = in.text(kMaxName);
    profile.scorers.push_back(std::move(scorer));
  }
  profile.picker = read_name(in);
  return profile;
}

void write_column(ByteWriter& out, const SignalColumn& column) {
  out.text(column.key);
  out.u8(column.per_endpoint ? 1 : 0);
  out.varint(column.shape->fields.size());
  for (const RecordedField& field : column.shape->fields) {
    out.text(field.name);
    out.u8(static_cast<std::uint8_t>(field.type));
    out.u8(field.width);
  }
}

bool plausible(const RecordedField& field) {
  using Type = RecordedField::Type;
  const auto width = field.width;
  if (field.type == Type::text) return width == 0;
  if (field.type == Type::boolean) return width == 1;
  if (field.type == Type::real) return width == 4 || width == 8;
  return width == 1 || width == 2 || width == 4 || width == 8;
}

void read_column(ByteReader& in, InputSchema& schema) {
  SignalColumn column{.key = std::string(in.text(kMaxName)), .per_endpoint = in.u8() != 0};
  std::vector<RecordedField> fields;
  for (std::size_t left = in.count(kMaxFields, 3); left > 0 && in.ok(); --left) {
    RecordedField field{.name = std::string(in.text(kMaxName))};
    field.type = static_cast<RecordedField::Type>(in.below(kTypes));
    field.width = in.u8();
    if (!plausible(field)) return in.refuse();
    fields.push_back(std::move(field));
  }
  column.shape = &schema.shapes.emplace_back(packed_shape(std::move(fields)));
  column.place = static_cast<std::uint16_t>(schema.columns.size());
  schema.columns.push_back(std::move(column));
}

}  // namespace

void encode_pipeline(std::uint64_t number, const Plan& plan, const InputSchema& schema,
                     std::string& out) {
  ByteWriter writer(out);
  writer.varint(number);
  writer.u64(std::hash<std::string>{}(schema.config));
  writer.text(schema.config);
  writer.varint(schema.headers.size());
  for (const std::string& header : schema.headers) writer.text(header);
  writer.varint(schema.columns.size());
  for (const SignalColumn& column : schema.columns) write_column(writer, column);
  write_name(writer, plan.handler);
  writer.varint(plan.profiles.size());
  for (const Plan::Profile& profile : plan.profiles) write_profile(writer, profile);
}

bool decode_pipeline(std::string_view bytes, std::uint64_t& number, RecordedPipeline& into) {
  ByteReader in(bytes);
  auto schema = std::make_shared<InputSchema>();
  auto plan = std::make_shared<Plan>();
  number = in.varint();
  in.u64();  // the hash of the configuration, for readers who only compare
  schema->config = in.text(kMaxConfig);
  for (std::size_t left = in.count(kMaxHeaders); left > 0 && in.ok(); --left) {
    schema->headers.emplace_back(in.text(kMaxName));
  }
  for (std::size_t left = in.count(kMaxColumns, 3); left > 0 && in.ok(); --left) {
    read_column(in, *schema);
  }
  plan->handler = read_name(in);
  for (std::size_t left = in.count(kMaxProfiles); left > 0 && in.ok(); --left) {
    plan->profiles.push_back(read_profile(in));
  }
  if (!in.done()) return false;
  into = {.plan = std::move(plan), .schema = std::move(schema)};
  return true;
}

void encode_outcome(std::uint64_t decision, const Outcome& outcome, std::string& out) {
  ByteWriter writer(out);
  writer.u64(decision);
  writer.u8(static_cast<std::uint8_t>(outcome.end));
  writer.zigzag(outcome.status);
  for (const std::int64_t value : {outcome.ttft_ns, outcome.duration_ns, outcome.prompt_tokens,
                                   outcome.output_tokens, outcome.cached_tokens}) {
    writer.zigzag(value);
  }
  writer.zigzag(outcome.attempts);
  writer.text(outcome.served_by);
}

bool decode_outcome(std::string_view bytes, std::uint64_t& decision, Outcome& into) {
  ByteReader in(bytes);
  decision = in.u64();
  into.end = static_cast<Outcome::End>(in.below(Outcome::kEnds));
  into.status = static_cast<int>(in.zigzag());
  for (std::int64_t* value : {&into.ttft_ns, &into.duration_ns, &into.prompt_tokens,
                              &into.output_tokens, &into.cached_tokens}) {
    *value = in.zigzag();
  }
  into.attempts = static_cast<std::int32_t>(in.zigzag());
  into.served_by = in.text(kMaxName);
  return in.done();
}

}  // namespace pointsman
