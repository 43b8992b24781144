#include "pointsman/edge/ext_proc/processing_response.h"

#include <array>
#include <envoy/service/ext_proc/v3/external_processor.pb.h>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

namespace wire = envoy::service::ext_proc::v3;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// What protobuf's own parser makes of the encoded message.
template <typename Message>
wire::ProcessingResponse parsed(const Message& message) {
  std::string bytes(encoded_size(message) + 1, '!');
  encode(message, bytes.data());
  EXPECT_EQ(bytes.back(), '!') << "encode() wrote more than encoded_size()";
  bytes.pop_back();
  wire::ProcessingResponse read;
  EXPECT_TRUE(read.ParseFromString(bytes));
  // Canonical form: protobuf would not say it shorter or longer.
  EXPECT_EQ(read.ByteSizeLong(), bytes.size());
  EXPECT_EQ(read.GetReflection()->GetUnknownFields(read).field_count(), 0);
  return read;
}

Pairs set_headers(const wire::HeaderMutation& mutation) {
  Pairs all;
  for (const auto& option : mutation.set_headers()) {
    EXPECT_TRUE(option.header().value().empty());
    EXPECT_FALSE(option.has_append());
    EXPECT_EQ(option.append_action(), 0);
    all.emplace_back(option.header().key(), option.header().raw_value());
  }
  return all;
}

TEST(RequestHeadersResponse, RoutesByHeaderAndMetadata) {
  const auto read = parsed(
      RequestHeadersResponse{.destination = "10.0.0.1:8000,10.0.0.2:8000", .content_length = 76});
  ASSERT_TRUE(read.has_request_headers());
  const auto& common = read.request_headers().response();
  EXPECT_TRUE(common.clear_route_cache());
  EXPECT_EQ(common.status(), wire::CommonResponse::CONTINUE);
  EXPECT_EQ(set_headers(common.header_mutation()),
            (Pairs{{"x-gateway-destination-endpoint", "10.0.0.1:8000,10.0.0.2:8000"},
                   {"Content-Length", "76"}}));
  EXPECT_EQ(common.header_mutation().remove_headers_size(), 0);
  ASSERT_EQ(read.dynamic_metadata().fields_size(), 1);
  const auto& space = read.dynamic_metadata().fields().at("envoy.lb").struct_value();
  ASSERT_EQ(space.fields_size(), 1);
  EXPECT_EQ(space.fields().at("x-gateway-destination-endpoint").string_value(),
            "10.0.0.1:8000,10.0.0.2:8000");
}

TEST(RequestHeadersResponse, SetsTraceThenOthersAndRemovesControlHeaders) {
  const std::array<Header, 1> trace{{{"traceparent", "00-1-2-01"}}};
  const std::array<Header, 2> set{{{"x-session", "s"}, {":path", "/v1/x"}}};
  const std::array<std::string_view, 2> removed{"x-slo-ttft-ms", "x-llm-d-inference-objective"};
  const auto read = parsed(RequestHeadersResponse{
      .destination = "[::1]:8000", .trace = trace, .set = set, .removed = removed});
  const auto& mutation = read.request_headers().response().header_mutation();
  EXPECT_EQ(set_headers(mutation), (Pairs{{"x-gateway-destination-endpoint", "[::1]:8000"},
                                          {"traceparent", "00-1-2-01"},
                                          {"x-session", "s"},
                                          {":path", "/v1/x"}}));
  ASSERT_EQ(mutation.remove_headers_size(), 2);
  EXPECT_EQ(mutation.remove_headers(0), "x-slo-ttft-ms");
  EXPECT_EQ(mutation.remove_headers(1), "x-llm-d-inference-objective");
}

TEST(RequestHeadersResponse, EmitsTheScoreOfEveryEndpoint) {
  const std::array<EndpointScore, 2> scores{{{"10.0.0.1:8000", 2.5}, {"10.0.0.2:8000", 0.0}}};
  const auto read =
      parsed(RequestHeadersResponse{.destination = "10.0.0.1:8000", .scores = scores});
  const auto& space = read.dynamic_metadata().fields().at("envoy.lb").struct_value();
  const auto& all =
      space.fields().at("x-gateway-destination-endpoint-scores").struct_value().fields();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all.at("10.0.0.1:8000").number_value(), 2.5);
  EXPECT_EQ(all.at("10.0.0.2:8000").number_value(), 0.0);
  EXPECT_EQ(all.at("10.0.0.2:8000").kind_case(), google::protobuf::Value::kNumberValue);
}

TEST(RequestHeadersResponse, LetsAPluginsNamespaceReplaceItsOwn) {
  google::protobuf::Struct plugin;
  (*(*plugin.mutable_fields())["other"].mutable_struct_value()->mutable_fields())["a"]
      .set_bool_value(true);
  const std::string added = plugin.SerializeAsString();
  const auto both = parsed(RequestHeadersResponse{.destination = "a:1", .metadata = added});
  EXPECT_EQ(both.dynamic_metadata().fields_size(), 2);

  (*plugin.mutable_fields())["envoy.lb"].mutable_struct_value();
  const std::string replacing = plugin.SerializeAsString();
  const RequestHeadersResponse message{.destination = "a:1", .metadata = replacing};
  std::string bytes(encoded_size(message), '\0');
  encode(message, bytes.data());
  wire::ProcessingResponse read;
  ASSERT_TRUE(read.ParseFromString(bytes));
  EXPECT_EQ(read.dynamic_metadata().fields().at("envoy.lb").struct_value().fields_size(), 0);
}

TEST(ResponseHeadersResponse, MarksAndSets) {
  const std::array<Header, 1> set{{{"x-session-token", "t"}}};
  const auto read = parsed(ResponseHeadersResponse{.set = set});
  ASSERT_TRUE(read.has_response_headers());
  const auto& common = read.response_headers().response();
  EXPECT_FALSE(common.clear_route_cache());
  EXPECT_EQ(set_headers(common.header_mutation()),
            (Pairs{{"x-went-into-resp-headers", "true"}, {"x-session-token", "t"}}));
  EXPECT_FALSE(read.has_dynamic_metadata());
}

TEST(StreamedBody, CarriesBytesAndTheirEnd) {
  for (const Phase phase : {Phase::request, Phase::response}) {
    for (const bool end : {true, false}) {
      for (const std::string& body :
           {std::string(), std::string("data: x\n\n"), std::string(62'000, 'b')}) {
        const std::array<std::string_view, 1> pieces{body};
        const auto read =
            parsed(StreamedBody{.phase = phase, .body = pieces, .end_of_stream = end});
        ASSERT_EQ(read.has_request_body(), phase == Phase::request);
        ASSERT_EQ(read.has_response_body(), phase == Phase::response);
        const auto& message = phase == Phase::request ? read.request_body() : read.response_body();
        ASSERT_TRUE(message.response().body_mutation().has_streamed_response());
        const auto& streamed = message.response().body_mutation().streamed_response();
        EXPECT_EQ(streamed.body(), body);
        EXPECT_EQ(streamed.end_of_stream(), end);
        EXPECT_FALSE(read.has_dynamic_metadata());
      }
    }
  }
}

// Cuts a body that comes in pieces of which the first two end at `first` and `second`.
std::vector<std::size_t> chunk_sizes(std::size_t size, bool end, std::string_view metadata = {},
                                     std::size_t first = 0, std::size_t second = 0) {
  std::string body(size, '\0');
  for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 7);
  const std::string_view view = body;
  const BodyPieces pieces{view.substr(0, first), view.substr(first, second - first),
                          view.substr(second)};
  std::vector<std::size_t> sizes;
  std::string joined;
  int ends = 0;
  int with_metadata = 0;
  bool last_ends = false;
  bool last_has_metadata = false;
  chunked(Phase::request, pieces, end, metadata, [&](const StreamedBody& chunk) {
    const auto read = parsed(StreamedBody{.body = chunk.body});
    const std::string& bytes =
        read.request_body().response().body_mutation().streamed_response().body();
    sizes.push_back(bytes.size());
    joined += bytes;
    last_ends = chunk.end_of_stream;
    last_has_metadata = !chunk.metadata.empty();
    ends += last_ends ? 1 : 0;
    with_metadata += last_has_metadata ? 1 : 0;
  });
  EXPECT_EQ(joined, body);
  EXPECT_EQ(last_ends, end);
  EXPECT_EQ(ends, end ? 1 : 0);
  EXPECT_EQ(last_has_metadata, !metadata.empty());
  EXPECT_EQ(with_metadata, metadata.empty() ? 0 : 1);
  return sizes;
}

// spec/03 section 4.2, its vectors.
TEST(Chunked, CutsAtSixtyTwoThousandBytes) {
  using Sizes = std::vector<std::size_t>;
  const std::vector<std::pair<std::size_t, Sizes>> vectors{{0, {0}},
                                                           {61'000, {61'000}},
                                                           {62'000, {62'000}},
                                                           {62'001, {62'000, 1}},
                                                           {63'000, {62'000, 1'000}},
                                                           {125'000, {62'000, 62'000, 1'000}}};
  for (const auto& [size, expected] : vectors) {
    for (const bool end : {true, false}) {
      EXPECT_EQ(chunk_sizes(size, end), expected);
      EXPECT_EQ(chunk_sizes(size, end, "m"), expected);
      for (const std::size_t at : {std::size_t{0}, std::size_t{1}, size / 2, size}) {
        EXPECT_EQ(chunk_sizes(size, end, {}, std::min(at, size), std::min(at + 20, size)),
                  expected);
      }
    }
  }
}

TEST(StreamedBody, CarriesDynamicMetadata) {
  google::protobuf::Struct metadata;
  (*(*metadata.mutable_fields())["envoy.lb"].mutable_struct_value()->mutable_fields())["cost"]
      .set_number_value(10);
  const std::string encoded = metadata.SerializeAsString();
  const std::array<std::string_view, 1> body{"x"};
  const auto read =
      parsed(StreamedBody{.phase = Phase::response, .body = body, .metadata = encoded});
  EXPECT_EQ(read.dynamic_metadata()
                .fields()
                .at("envoy.lb")
                .struct_value()
                .fields()
                .at("cost")
                .number_value(),
            10);
}

TEST(TrailersResponse, IsEmptyButThere) {
  const auto response = parsed(TrailersResponse{});
  EXPECT_TRUE(response.has_response_trailers());
  EXPECT_FALSE(response.response_trailers().has_header_mutation());
  EXPECT_TRUE(parsed(TrailersResponse{.phase = Phase::request}).has_request_trailers());

  google::protobuf::Struct metadata;
  (*metadata.mutable_fields())["a"].set_bool_value(true);
  const std::string encoded = metadata.SerializeAsString();
  EXPECT_TRUE(parsed(TrailersResponse{.metadata = encoded}).has_dynamic_metadata());
}

TEST(ImmediateResponse, AnswersInPlaceOfTheModelServer) {
  const std::array<Header, 1> headers{{{"x-llm-d-request-dropped-reason", "evicted"}}};
  const auto read = parsed(ImmediateResponse{
      .status = 429, .headers = headers, .body = "request evicted by flow control"});
  ASSERT_TRUE(read.has_immediate_response());
  const auto& immediate = read.immediate_response();
  EXPECT_EQ(immediate.status().code(), 429);
  EXPECT_EQ(immediate.body(), "request evicted by flow control");
  EXPECT_EQ(set_headers(immediate.headers()),
            (Pairs{{"x-llm-d-request-dropped-reason", "evicted"}}));
  EXPECT_FALSE(immediate.has_grpc_status());
  EXPECT_TRUE(immediate.details().empty());
}

TEST(ImmediateResponse, HasHeadersAndGrpcStatusOnlyWhenGiven) {
  const auto read = parsed(ImmediateResponse{.status = 503, .body = "b", .grpc_status = 14});
  EXPECT_FALSE(read.immediate_response().has_headers());
  EXPECT_EQ(read.immediate_response().grpc_status().status(), 14U);
  EXPECT_EQ(read.immediate_response().status().code(), 503);
}

}  // namespace
}  // namespace pointsman
