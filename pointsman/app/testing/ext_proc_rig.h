#pragma once

#include <cstdint>
#include <envoy/service/ext_proc/v3/external_processor.pb.h>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/edge/ext_proc/ext_proc.h"
#include "pointsman/record/decision_ring.h"
#include "pointsman/stage/testing/scene.h"
#include "pointsman/wire/grpc_connection.h"
#include "pointsman/wire/testing/http2_client.h"

namespace pointsman::testing {

namespace wire = envoy::service::ext_proc::v3;
using Fields = std::map<std::string, std::string>;
using Mode = envoy::extensions::filters::http::ext_proc::v3::ProcessingMode;

inline constexpr const char* kProcess = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
inline constexpr std::string_view kConfig = R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: lora-affinity-scorer
- type: max-score-picker
- type: single-profile-handler
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
  - pluginRef: kv-cache-utilization-scorer
  - pluginRef: lora-affinity-scorer
  - pluginRef: max-score-picker
)";

// Load that scorers read as fresh, endpoint by endpoint.
inline Fleet fleet(const std::vector<Server>& servers) {
  return fleet_of(servers, Clock::now());
}

inline std::vector<Server> three() {
  return {{.name = "pod0", .waiting = 3, .running = 0, .kv_usage = 0.2},
          {.name = "pod1", .waiting = 0, .running = 0, .kv_usage = 0.1},
          {.name = "pod2", .waiting = 10, .running = 0, .kv_usage = 0.2}};
}

inline std::shared_ptr<const Pipeline> pipeline(Metrics& metrics, Recorder& recorder,
                                                std::string_view config = kConfig) {
  auto loaded = load_config(std::string(config));
  EXPECT_TRUE(loaded.has_value()) << loaded.error().front().text;
  auto assembly = assemble(*std::move(loaded), builtin_plugins(), metrics, builtin_options(true));
  EXPECT_TRUE(assembly.has_value()) << assembly.error().front().text;
  return std::make_shared<const Pipeline>(*std::move(assembly), metrics, recorder,
                                          Pipeline::Options{});
}

// A proxy and a picker.
class Rig {
 public:
  explicit Rig(const std::vector<Server>& servers = three(), const ExtProcOptions& options = {},
               std::string_view config = kConfig)
      : fleets_(fleet(servers)),
        worker_(metrics_, metrics_.add_shard(), fleets_, 1),
        pipelines_(pipeline(metrics_, ring_, config)),
        ext_proc_(loop_, pipelines_, tracer_, worker_, options) {
    ext_proc_.add_to(routes_);
    connection_ = std::make_unique<GrpcConnection>(routes_, GrpcLimits{}, pool_, [] {});
  }

  std::size_t active() const { return ext_proc_.active(); }
  const DecisionRing& ring() const { return ring_; }
  std::string metrics() const { return metrics_.expose(); }

 private:
  friend class Transaction;

  Metrics metrics_;
  DecisionRing ring_;
  Published<Fleet> fleets_;
  EngineWorker worker_;
  Tracer tracer_;
  Published<std::shared_ptr<const Pipeline>> pipelines_;
  Loop loop_;
  ExtProc ext_proc_;
  GrpcRoutes routes_;
  BytePool pool_;
  Http2Client client_;
  std::unique_ptr<GrpcConnection> connection_;
};

// One call of the Process method, from the proxy's side.
class Transaction {
 public:
  explicit Transaction(Rig& rig) : rig_(rig), id_(rig.client_.post(kProcess)) {}

  void request_headers(const Fields& fields = {}, bool end = false,
                       const wire::ProcessingRequest& with = {}) {
    wire::ProcessingRequest message = with;
    Fields all{{":method", "POST"}, {":path", "/v1/completions"}};
    for (const auto& [name, value] : fields) all[name] = value;
    put(*message.mutable_request_headers(), all, end);
    send(message);
  }
  void request_body(const std::string& body, bool end = true,
                    const wire::ProcessingRequest& with = {}) {
    wire::ProcessingRequest message = with;
    message.mutable_request_body()->set_body(body);
    message.mutable_request_body()->set_end_of_stream(end);
    send(message);
  }
  void request_trailers() {
    wire::ProcessingRequest message;
    message.mutable_request_trailers();
    send(message);
  }
  void response_headers(const Fields& fields, bool end = false) {
    wire::ProcessingRequest message;
    put(*message.mutable_response_headers(), fields, end);
    send(message);
  }
  void response_body(const std::string& body, bool end) {
    wire::ProcessingRequest message;
    message.mutable_response_body()->set_body(body);
    message.mutable_response_body()->set_end_of_stream(end);
    send(message);
  }
  void response_trailers() {
    wire::ProcessingRequest message;
    message.mutable_response_trailers();
    send(message);
  }
  void send(const wire::ProcessingRequest& message) { send(message.SerializeAsString()); }
  void send(const std::string& bytes) {
    std::string framed(1, '\0');
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
      framed += static_cast<char>(bytes.size() >> shift);
    }
    rig_.client_.write(id_, framed + bytes);
    settle();
  }
  void half_close() {
    rig_.client_.write(id_, "", true);
    settle();
  }
  void cancel() {
    rig_.client_.reset(id_);
    settle();
  }

  // The messages that have come since the last call.
  std::vector<wire::ProcessingResponse> answers() {
    std::string& body = rig_.client_.answer(id_).body;
    std::vector<wire::ProcessingResponse> all;
    while (body.size() >= 5) {
      std::size_t size = 0;
      for (int i = 1; i < 5; ++i)
        size = size << 8U | static_cast<std::uint8_t>(body[static_cast<std::size_t>(i)]);
      EXPECT_TRUE(all.emplace_back().ParseFromString(body.substr(5, size)));
      body.erase(0, 5 + size);
    }
    return all;
  }
  wire::ProcessingResponse answer() {
    const auto all = answers();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? wire::ProcessingResponse{} : all.front();
  }
  std::string status() { return rig_.client_.answer(id_).fields["grpc-status"]; }
  std::string message() { return rig_.client_.answer(id_).fields["grpc-message"]; }

 private:
  static void put(wire::HttpHeaders& headers, const Fields& fields, bool end) {
    for (const auto& [name, value] : fields) {
      auto& header = *headers.mutable_headers()->add_headers();
      header.set_key(name);
      header.set_raw_value(value);
    }
    headers.set_end_of_stream(end);
  }
  void settle() { EXPECT_TRUE(rig_.client_.settle(*rig_.connection_, Clock::now())); }

  Rig& rig_;
  std::int32_t id_;
};

inline Fields set(const wire::HeaderMutation& mutation) {
  Fields all;
  for (const auto& option : mutation.set_headers()) {
    EXPECT_TRUE(all.emplace(option.header().key(), option.header().raw_value()).second);
  }
  return all;
}

inline const wire::StreamedBodyResponse& streamed(const wire::ProcessingResponse& message) {
  const auto& body = message.has_request_body() ? message.request_body() : message.response_body();
  return body.response().body_mutation().streamed_response();
}

inline wire::ProcessingRequest subset(const std::vector<std::string>& endpoints) {
  wire::ProcessingRequest message;
  auto& hint =
      (*message.mutable_metadata_context()->mutable_filter_metadata())["envoy.lb.subset_hint"];
  auto& list =
      *(*hint.mutable_fields())["x-gateway-destination-endpoint-subset"].mutable_list_value();
  for (const std::string& each : endpoints) list.add_values()->set_string_value(each);
  return message;
}

}  // namespace pointsman::testing
