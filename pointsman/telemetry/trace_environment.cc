#include "pointsman/telemetry/trace_environment.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>
#include <unistd.h>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr double kDefaultRatio = 0.1;

// Nothing when an escape is malformed.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + 2) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

// The variables, and what is to be said about them.
class Reader {
 public:
  Reader(const TraceVariables& environment, std::vector<TraceNotice>& notices)
      : environment_(environment), notices_(notices) {}

  std::string_view operator[](std::string_view name) const {
    const auto at = environment_.find(name);
    return at == environment_.end() ? std::string_view() : std::string_view(at->second);
  }

  // OTEL_EXPORTER_OTLP_TRACES_<name>, or else OTEL_EXPORTER_OTLP_<name>.
  std::string_view otlp(std::string_view name) const {
    const std::string_view own = (*this)["OTEL_EXPORTER_OTLP_TRACES_" + std::string(name)];
    return own.empty() ? (*this)["OTEL_EXPORTER_OTLP_" + std::string(name)] : own;
  }

  // A whole number of at least `least`; anything else is a notice and nothing.
  std::optional<std::size_t> number(std::string_view name, std::string_view text,
                                    std::size_t least) {
    if (text.empty()) return std::nullopt;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= least) return value;
    say("ignored, not a number of the kind expected", {{"variable", std::string(name)}});
    return std::nullopt;
  }
  std::optional<std::size_t> number(std::string_view name, std::size_t least) {
    return number(name, (*this)[name], least);
  }

  void say(std::string message, std::vector<std::pair<std::string, std::string>> fields = {},
           bool error = true) {
    notices_.push_back({error, std::move(message), std::move(fields)});
  }

 private:
  const TraceVariables& environment_;
  std::vector<TraceNotice>& notices_;
};

double ratio_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double ratio = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ratio);
  const bool read = error == std::errc() && end == text.data() + text.size();
  return read && !std::isnan(ratio) ? ratio : kDefaultRatio;
}

Sampler read_sampler(Reader& env) {
  const std::string_view kind = env["OTEL_TRACES_SAMPLER"];
  if (kind == "always_on") return {1, false};
  if (kind == "always_off") return {0, false};
  if (kind == "parentbased_always_on") return {1, true};
  if (kind == "parentbased_always_off") return {0, true};
  if (kind.empty() || kind == "traceidratio" || kind == "parentbased_traceidratio") {
    return {ratio_of(env["OTEL_TRACES_SAMPLER_ARG"]), kind != "traceidratio"};
  }
  env.say("unsupported sampler type: " + std::string(kind) +
          ", fallback to parentbased_traceidratio with 0.1 Ratio");
  return {};
}

TraceExporter read_exporter(Reader& env) {
  const std::string_view kind = env["OTEL_TRACES_EXPORTER"];
  if (kind == "otlp") return TraceExporter::otlp;
  if (kind == "console") return TraceExporter::console;
  if (kind.empty()) {
    env.say("trace ids are passed on and no spans are exported: OTEL_TRACES_EXPORTER is not set",
            {}, false);
  } else if (kind != "none") {
    env.say("unsupported trace exporter, no spans are exported",
            {{"OTEL_TRACES_EXPORTER", std::string(kind)}});
  }
  return TraceExporter::none;
}

// Calls `take` with the trimmed key and the raw value of each well-formed key=value.
template <typename Take>
void each_pair(Reader& env, std::string_view list, std::string_view complaint,
               std::string_view variable, const Take& take) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view entry = trim(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (entry.empty()) continue;
    const std::size_t equals = entry.find('=');
    const std::string_view key = trim(entry.substr(0, equals));
    const bool good = equals != std::string_view::npos && !key.empty();
    const auto value = good ? percent_decoded(trim(entry.substr(equals + 1))) : std::nullopt;
    if (good) take(key, value.value_or(std::string(trim(entry.substr(equals + 1)))));
    if (!value) {  // it may be a secret: only its key is told
      env.say(std::string(complaint), {{"variable", std::string(variable)},
                                       {"entry", good ? std::string(key) : "not key=value"}});
    }
  }
}

TraceResource read_resource(Reader& env, const TraceIdentity& identity) {
  TraceResource resource{
      .attributes = {{"service.name", identity.service}, {"service.version", identity.build_ref}},
      .scope_version = identity.build_ref,
      .scope_commit = identity.commit};
  each_pair(env, env["OTEL_RESOURCE_ATTRIBUTES"], "build trace resource degraded",
            "OTEL_RESOURCE_ATTRIBUTES", [&resource](std::string_view key, std::string value) {
              resource.attributes[std::string(key)] = std::move(value);
            });
  if (const auto name = env["OTEL_SERVICE_NAME"]; !name.empty()) {
    resource.attributes["service.name"] = name;
  }
  return resource;
}

BatchSettings read_batch(Reader& env) {
  BatchSettings batch;
  if (const auto delay = env.number("OTEL_BSP_SCHEDULE_DELAY", 1)) {
    batch.schedule_delay = std::chrono::milliseconds(*delay);
  }
  batch.max_queue_size = env.number("OTEL_BSP_MAX_QUEUE_SIZE", 1).value_or(batch.max_queue_size);
  batch.max_export_batch_size =
      env.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1).value_or(batch.max_export_batch_size);
  batch.max_export_batch_size = std::min(batch.max_export_batch_size, batch.max_queue_size);
  return batch;
}

SpanLimits read_limits(Reader& env) {
  const auto first = [&env](std::string_view own, std::string_view general, std::size_t otherwise) {
    if (const auto limit = env.number(own, 0)) return *limit;
    return env.number(general, 0).value_or(otherwise);
  };
  SpanLimits limits;
  limits.attributes = first("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT", 128);
  limits.text = first("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                      SIZE_MAX);
  limits.events = env.number("OTEL_SPAN_EVENT_COUNT_LIMIT", 0).value_or(limits.events);
  return limits;
}

struct Url {
  std::string_view scheme;     // empty: none was given
  std::string_view authority;  // of unix: the path
};

Url split(std::string_view text) {
  if (text.starts_with("unix:")) {
    text.remove_prefix(5);
    return {"unix", text.starts_with("//") ? text.substr(2) : text};
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return {"", text};
  const std::string_view rest = text.substr(colon + 3);
  return {text.substr(0, colon), rest.substr(0, rest.find('/'))};
}

Result<void> place_grpc(const Reader& env, OtlpSettings& otlp) {
  static constexpr std::array<std::string_view, 3> kDecisive{"ENDPOINT", "INSECURE", "CERTIFICATE"};
  // Nothing said about the transport at all: the collector next door, in plaintext.
  if (std::ranges::all_of(kDecisive, [&env](auto name) { return env.otlp(name).empty(); })) {
    return {};
  }
  const std::string_view endpoint = env.otlp("ENDPOINT");
  otlp.plaintext = false;
  if (!endpoint.empty()) {
    const Url url = split(endpoint);
    if (url.authority.empty()) {
      return fail(Code::invalid_config,
                  "OTLP endpoint \"" + std::string(endpoint) + "\" names no host");
    }
    const bool local = url.scheme == "unix";
    otlp.plaintext = local || url.scheme == "http";
    otlp.target = (local ? "unix:" : "") + std::string(url.authority);
    const bool has_port =
        url.authority.rfind(':') != std::string_view::npos && !url.authority.ends_with(']');
    if (!local && !has_port) otlp.target += ":4317";
  }
  if (to_lower(env.otlp("INSECURE")) == "true") otlp.plaintext = true;
  return {};
}

Result<void> place_http(const Reader& env, OtlpSettings& otlp) {
  const std::string_view own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const std::string_view base = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  otlp.target = !own.empty() ? own : !base.empty() ? base : "http://localhost:4318";
  if (!otlp.target.starts_with("http://") && !otlp.target.starts_with("https://")) {
    return fail(Code::invalid_config, "OTLP endpoint \"" + otlp.target +
                                          "\" must begin with http:// or https:// for "
                                          "OTEL_EXPORTER_OTLP_PROTOCOL http/protobuf");
  }
  if (own.empty()) otlp.target += otlp.target.ends_with('/') ? "v1/traces" : "/v1/traces";
  return {};
}

// What HTTP and gRPC both take: gRPC ends the process over anything else.
bool sendable(std::string_view name, std::string_view value) {
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && std::ranges::all_of(name, in_name) && !name.ends_with("-bin") &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
}

void read_headers(Reader& env, OtlpSettings& otlp) {
  constexpr std::string_view kComplaint = "malformed OTLP header";
  constexpr std::string_view kVariable = "OTEL_EXPORTER_OTLP_HEADERS";
  each_pair(env, env.otlp("HEADERS"), kComplaint, kVariable,
            [&](std::string_view key, std::string value) {
              std::string name = to_lower(key);
              if (sendable(name, value)) {
                otlp.headers.emplace_back(std::move(name), std::move(value));
              } else {
                env.say(std::string(kComplaint),
                        {{"variable", std::string(kVariable)}, {"entry", std::move(name)}});
              }
            });
}

Result<OtlpSettings> read_otlp(Reader& env) {
  OtlpSettings otlp;
  const std::string_view protocol = env.otlp("PROTOCOL");
  if (!protocol.empty() && protocol != "grpc" && protocol != "http/protobuf") {
    return fail(Code::invalid_config, "unsupported OTLP protocol \"" + std::string(protocol) +
                                          "\": grpc or http/protobuf");
  }
  otlp.protocol = protocol == "http/protobuf" ? OtlpProtocol::http : OtlpProtocol::grpc;
  const auto placed =
      otlp.protocol == OtlpProtocol::grpc ? place_grpc(env, otlp) : place_http(env, otlp);
  if (!placed) return std::unexpected(placed.error());

  otlp.ca_file = env.otlp("CERTIFICATE");
  otlp.client_certificate_file = env.otlp("CLIENT_CERTIFICATE");
  otlp.client_key_file = env.otlp("CLIENT_KEY");
  read_headers(env, otlp);
  const std::string_view compression = env.otlp("COMPRESSION");
  otlp.gzip = compression == "gzip";
  if (!compression.empty() && !otlp.gzip && compression != "none") {
    env.say("unsupported OTLP compression, sending uncompressed",
            {{"compression", std::string(compression)}});
  }
  if (const auto timeout = env.number("OTEL_EXPORTER_OTLP_TIMEOUT", env.otlp("TIMEOUT"), 1)) {
    otlp.timeout = std::chrono::milliseconds(*timeout);
  }
  return otlp;
}

}  // namespace

TraceVariables process_environment() {
  TraceVariables all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

Result<TraceSettings> read_trace_environment(const TraceVariables& environment,
                                             const TraceIdentity& identity) {
  TraceSettings settings;
  Reader env(environment, settings.notices);
  settings.enabled = to_lower(env["OTEL_SDK_DISABLED"]) != "true";
  if (!settings.enabled) return settings;
  settings.exporter = read_exporter(env);
  settings.sampler = read_sampler(env);
  settings.resource = read_resource(env, identity);
  settings.batch = read_batch(env);
  settings.limits = read_limits(env);
  if (settings.exporter == TraceExporter::otlp) {
    auto otlp = read_otlp(env);
    if (!otlp) return std::unexpected(std::move(otlp).error());
    settings.otlp = *std::move(otlp);
  }
  return settings;
}

}  // namespace pointsman
