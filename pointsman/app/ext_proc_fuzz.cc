// Fuzz target: a proxy that may do anything to the picker: HTTP/2 frames, gRPC messages and the
// steps of ext_proc transactions, in any order, on several streams, into the real pipeline.
// Every transaction that was opened must be over when the connection is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pointsman/app/builtin.h"
#include "pointsman/base/bug.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/edge/ext_proc/ext_proc.h"
#include "pointsman/plugins/testing/grpc_bytes.h"
#include "pointsman/record/decision_ring.h"
#include "pointsman/stage/testing/scene.h"
#include "pointsman/wire/grpc_connection.h"

namespace pointsman {
namespace {

using testing::field;

constexpr std::string_view kConfig = R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: prefix-cache-scorer
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
  - pluginRef: prefix-cache-scorer
)";
constexpr std::string_view kGreeting{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};

// A picker, made once.
struct Picker {
  Picker()
      : fleets(testing::fleet_of({{.name = "a", .waiting = 1}, {.name = "b", .waiting = 2}},
                                 Clock::now())),
        worker(metrics, metrics.add_shard(), fleets, 1),
        pipelines(pipeline()),
        ext_proc(loop, pipelines, tracer, worker,
                 {.max_body = 4096, .emit_scores = true, .decision_header = true}) {
    ext_proc.add_to(routes);
  }
  std::shared_ptr<const Pipeline> pipeline() {
    auto assembly = assemble(*load_config(std::string(kConfig)), builtin_plugins(), metrics,
                             builtin_options(true));
    return std::make_shared<const Pipeline>(*std::move(assembly), metrics, ring,
                                            Pipeline::Options{});
  }

  Metrics metrics;
  DecisionRing ring;
  Published<Fleet> fleets;
  EngineWorker worker;
  Tracer tracer;
  Published<std::shared_ptr<const Pipeline>> pipelines;
  Loop loop;
  ExtProc ext_proc;
  GrpcRoutes routes;
  BytePool pool;
};

std::string flag(std::uint32_t id, bool on) {
  return on ? testing::number(id, 1) : std::string();
}

std::string http2_frame(unsigned type, unsigned flags, std::uint32_t stream,
                        std::string_view payload) {
  std::string out;
  for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(stream >> shift);
  return out.append(payload);
}

// A literal field that the table does not keep.
std::string hpack(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + std::string(name) +
         static_cast<char>(value.size()) + std::string(value);
}

// "name:value" lines as HttpHeaders.
std::string headers(std::string_view lines, bool end) {
  std::string map;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t colon = line.find(':', 1);  // not the one of a pseudo-header
    const std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    map += field(1, field(1, line.substr(0, colon)) + field(3, value));
  }
  return field(1, map) + flag(3, end);
}

std::string body(std::string_view bytes, bool end) {
  return field(1, bytes) + flag(2, end);
}

// What the proxy does next, taken from the fuzzer's bytes.
class Proxy {
 public:
  explicit Proxy(std::string_view script) : script_(script) {}

  // The next bytes on the connection; empty at the end.
  std::string next() {
    const unsigned op = byte();
    const std::uint32_t stream = 1 + 2 * (op >> 4U & 3U);
    const bool end = (op & 0x80U) != 0;
    const std::size_t size = byte();
    const std::string_view payload = script_.substr(0, size);
    script_.remove_prefix(payload.size());
    const auto said = [&](std::string_view bytes) {
      return http2_frame(0, 0, stream, testing::frame(bytes));
    };
    switch (op & 0xFU) {
      case 0:
      case 1:
        return http2_frame(
            1, 4, stream,
            hpack(":method", "POST") + hpack(":scheme", "http") + hpack(":authority", "a") +
                hpack(":path", "/envoy.service.ext_proc.v3.ExternalProcessor/Process") +
                hpack("content-type", "application/grpc"));
      case 2:
        return said(field(2, headers(payload, end)));
      case 3:
      case 4:
        return said(field(4, body(payload, end)));
      case 5:
        return said(field(3, headers(payload, end)));
      case 6:
      case 7:
        return said(field(5, body(payload, end)));
      case 8:
        return said(field(end ? 6 : 7, ""));
      case 9:
        return said(payload);  // any ProcessingRequest
      case 10:
        return http2_frame(0, end ? 1 : 0, stream, payload);  // any gRPC framing
      case 11:
        return http2_frame(3, 0, stream, {"\0\0\0\10", 4});
      case 12:
        return http2_frame(0, 1, stream, "");
      case 13:
        return http2_frame(8, 0, end ? 0 : stream, {"\0\0\1\0", 4});
      case 14:
        return http2_frame(payload.empty() ? 6U : static_cast<std::uint8_t>(payload.front()),
                           end ? 1 : 0, stream, payload);
      default:
        return std::string(payload);  // any HTTP/2
    }
  }
  bool done() const { return script_.empty(); }

 private:
  std::uint8_t byte() {
    if (script_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(script_.front());
    script_.remove_prefix(1);
    return value;
  }

  std::string_view script_;
};

void play(std::string_view script) {
  static Picker picker;
  {
    GrpcConnection connection(picker.routes, {.max_receive = 4096}, picker.pool, [] {});
    const Clock::time_point now = Clock::now();
    Proxy proxy(script);
    bool good = connection.feed(kGreeting, now).has_value();
    while (good && !proxy.done()) {
      good = connection.feed(proxy.next(), now).has_value();
      for (auto out = connection.output(); !out.empty(); out = connection.output()) {
        connection.sent(out.size());
      }
    }
  }
  if (picker.ext_proc.active() != 0) bug("a transaction is not over");
}

}  // namespace
}  // namespace pointsman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pointsman::play({reinterpret_cast<const char*>(data), size});
  return 0;
}
