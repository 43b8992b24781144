#include "pointsman/edge/ext_proc/processing_request.h"

#include <envoy/service/ext_proc/v3/external_processor.pb.h>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

namespace wire = envoy::service::ext_proc::v3;
using Kind = ProcessingRequest::Kind;

void add(wire::HttpHeaders& to, const std::string& key, const std::string& value,
         const std::string& raw) {
  auto& header = *to.mutable_headers()->add_headers();
  header.set_key(key);
  header.set_value(value);
  header.set_raw_value(raw);
}

TEST(ProcessingRequest, ReadsHeadersAndPrefersRawValues) {
  for (const bool request : {true, false}) {
    wire::ProcessingRequest message;
    auto& headers =
        request ? *message.mutable_request_headers() : *message.mutable_response_headers();
    add(headers, ":path", "", "/v1/completions");
    add(headers, "only-value", "v", "");
    add(headers, "both", "value", "raw");
    add(headers, "both", "value", "again");
    add(headers, "Empty", "", "");
    headers.set_end_of_stream(true);
    const std::string bytes = message.SerializeAsString();
    ProcessingRequest read;
    ASSERT_TRUE(decode(bytes, read).has_value());
    EXPECT_EQ(read.kind, request ? Kind::request_headers : Kind::response_headers);
    EXPECT_TRUE(read.end_of_stream);
    ASSERT_EQ(read.headers.size(), 5U);
    const std::vector<std::pair<std::string, std::string>> expected{{":path", "/v1/completions"},
                                                                    {"only-value", "v"},
                                                                    {"both", "raw"},
                                                                    {"both", "again"},
                                                                    {"Empty", ""}};
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(read.headers[i].name, expected[i].first);
      EXPECT_EQ(read.headers[i].value, expected[i].second);
    }
  }
}

TEST(ProcessingRequest, ReadsBodiesWithoutCopyingThem) {
  for (const bool request : {true, false}) {
    wire::ProcessingRequest message;
    auto& body = request ? *message.mutable_request_body() : *message.mutable_response_body();
    body.set_body(std::string(1000, 'b'));
    body.set_end_of_stream(request);
    const std::string bytes = message.SerializeAsString();
    ProcessingRequest read;
    ASSERT_TRUE(decode(bytes, read).has_value());
    EXPECT_EQ(read.kind, request ? Kind::request_body : Kind::response_body);
    EXPECT_EQ(read.body, std::string(1000, 'b'));
    EXPECT_GE(read.body.data(), bytes.data());
    EXPECT_LE(read.body.data() + read.body.size(), bytes.data() + bytes.size());
    EXPECT_EQ(read.end_of_stream, request);
  }
}

TEST(ProcessingRequest, ReadsTrailersAndMessagesWithNothingInThem) {
  wire::ProcessingRequest message;
  ProcessingRequest read;
  ASSERT_TRUE(decode(message.SerializeAsString(), read).has_value());
  EXPECT_EQ(read.kind, Kind::none);
  message.mutable_request_trailers()->mutable_trailers()->add_headers()->set_key("t");
  ASSERT_TRUE(decode(message.SerializeAsString(), read).has_value());
  EXPECT_EQ(read.kind, Kind::request_trailers);
  message.mutable_response_trailers();
  ASSERT_TRUE(decode(message.SerializeAsString(), read).has_value());
  EXPECT_EQ(read.kind, Kind::response_trailers);
  // Headers without their map are headers all the same.
  message.mutable_request_headers();
  ASSERT_TRUE(decode(message.SerializeAsString(), read).has_value());
  EXPECT_EQ(read.kind, Kind::request_headers);
  EXPECT_TRUE(read.headers.empty());
}

TEST(ProcessingRequest, ForgetsTheMessageBefore) {
  wire::ProcessingRequest message;
  add(*message.mutable_request_headers(), "a", "b", "");
  message.mutable_request_headers()->set_end_of_stream(true);
  (*message.mutable_metadata_context()->mutable_filter_metadata())["x"];
  message.mutable_protocol_config();
  ProcessingRequest read;
  ASSERT_TRUE(decode(message.SerializeAsString(), read).has_value());
  wire::ProcessingRequest next;
  next.mutable_response_body();
  ASSERT_TRUE(decode(next.SerializeAsString(), read).has_value());
  EXPECT_TRUE(read.headers.empty());
  EXPECT_FALSE(read.end_of_stream);
  EXPECT_TRUE(read.metadata.empty());
  EXPECT_FALSE(read.protocol.has_value());
}

TEST(ProcessingRequest, ReadsWhatTheProxyIsConfiguredFor) {
  wire::ProcessingRequest message;
  message.mutable_request_headers();
  using Mode = envoy::extensions::filters::http::ext_proc::v3::ProcessingMode;
  message.mutable_protocol_config()->set_request_body_mode(Mode::FULL_DUPLEX_STREAMED);
  message.mutable_protocol_config()->set_response_body_mode(Mode::BUFFERED);
  ProcessingRequest read;
  ASSERT_TRUE(decode(message.SerializeAsString(), read).has_value());
  ASSERT_TRUE(read.protocol.has_value());
  EXPECT_EQ(read.protocol->request_body, ProcessingRequest::BodyMode::full_duplex_streamed);
  EXPECT_EQ(read.protocol->response_body, ProcessingRequest::BodyMode::buffered);
}

TEST(ProcessingRequest, SkipsFieldsItDoesNotKnow) {
  wire::ProcessingRequest message;
  message.mutable_request_body()->set_body("b");
  auto* unknown = message.GetReflection()->MutableUnknownFields(&message);
  unknown->AddVarint(10, 1);  // observability_mode
  unknown->AddLengthDelimited(9, "attributes");
  unknown->AddFixed32(500, 1);
  unknown->AddFixed64(501, 1);
  const std::string bytes = message.SerializeAsString();
  ProcessingRequest read;
  ASSERT_TRUE(decode(bytes, read).has_value());
  EXPECT_EQ(read.kind, Kind::request_body);
  EXPECT_EQ(read.body, "b");
}

TEST(ProcessingRequest, MergesRepeatedPartsAndLetsTheLastAlternativeWin) {
  wire::ProcessingRequest first;
  add(*first.mutable_request_headers(), "a", "1", "");
  wire::ProcessingRequest second;
  add(*second.mutable_request_headers(), "b", "2", "");
  wire::ProcessingRequest body;
  body.mutable_request_body()->set_body("x");
  ProcessingRequest read;
  const std::string both = first.SerializeAsString() + second.SerializeAsString();
  ASSERT_TRUE(decode(both, read).has_value());
  EXPECT_EQ(read.headers.size(), 2U);
  const std::string changed = both + body.SerializeAsString();
  ASSERT_TRUE(decode(changed, read).has_value());
  EXPECT_EQ(read.kind, Kind::request_body);
  EXPECT_TRUE(read.headers.empty());
}

TEST(ProcessingRequest, RefusesTooManyHeaderLines) {
  wire::ProcessingRequest message;
  for (std::size_t i = 0; i < kMaxHeaderLines; ++i) {
    add(*message.mutable_request_headers(), "a", "b", "");
  }
  ProcessingRequest read;
  EXPECT_TRUE(decode(message.SerializeAsString(), read).has_value());
  add(*message.mutable_request_headers(), "a", "b", "");
  EXPECT_FALSE(decode(message.SerializeAsString(), read).has_value());
}

wire::ProcessingRequest sample(Random& random) {
  wire::ProcessingRequest message;
  const auto text = [&] { return std::string(random.below(200), 'x'); };
  auto& headers = *message.mutable_request_headers();
  for (std::uint64_t i = random.below(5); i > 0; --i) add(headers, text(), text(), text());
  auto& fields = *(*message.mutable_metadata_context()->mutable_filter_metadata())["envoy.lb"]
                      .mutable_fields();
  fields[text()].set_string_value(text());
  return message;
}

// It survives everything, and what both parsers accept they read alike.
TEST(ProcessingRequest, ReadsDamagedMessagesAsProtobufDoes) {
  Random random(11);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = sample(random).SerializeAsString();
    for (std::uint64_t k = random.below(3); k > 0 && !bytes.empty(); --k) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    }
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size() + 1));
    wire::ProcessingRequest oracle;
    const bool good = oracle.ParseFromString(bytes);
    ProcessingRequest read;
    const bool accepted = decode(bytes, read).has_value();
    std::vector<std::string_view> list;
    metadata_list(read.metadata, "envoy.lb", "k", list);
    if (!accepted) ++refused;
    if (!good || !accepted || oracle.request_case() != wire::ProcessingRequest::kRequestHeaders) {
      continue;
    }
    ASSERT_EQ(read.headers.size(),
              static_cast<std::size_t>(oracle.request_headers().headers().headers_size()));
    for (std::size_t h = 0; h < read.headers.size(); ++h) {
      const auto& expected = oracle.request_headers().headers().headers(static_cast<int>(h));
      ASSERT_EQ(read.headers[h].name, expected.key());
      ASSERT_EQ(read.headers[h].value,
                expected.raw_value().empty() ? expected.value() : expected.raw_value());
    }
  }
  EXPECT_GT(refused, 1000);
}

class RequestMetadata : public testing::Test {
 protected:
  google::protobuf::Value& at(const std::string& space, const std::string& key) {
    return (*(*metadata_.mutable_filter_metadata())[space].mutable_fields())[key];
  }
  std::string bytes() const { return metadata_.SerializeAsString(); }

  envoy::config::core::v3::Metadata metadata_;
  std::vector<std::string_view> list_;
};

TEST_F(RequestMetadata, FindsAListOfStrings) {
  auto& subset = *at("envoy.lb.subset_hint", "subset").mutable_list_value();
  subset.add_values()->set_string_value("10.0.0.1:8080");
  subset.add_values()->set_number_value(12345);
  subset.add_values()->set_string_value("10.0.0.3:9090");
  at("envoy.lb", "other").set_string_value("x");
  const std::string encoded = bytes();
  const auto found = metadata_list(encoded, "envoy.lb.subset_hint", "subset", list_);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(std::vector(found->begin(), found->end()),
            (std::vector<std::string_view>{"10.0.0.1:8080", "10.0.0.3:9090"}));
}

TEST_F(RequestMetadata, TellsAnEmptyListFromNone) {
  EXPECT_FALSE(metadata_list("", "s", "k", list_).has_value());
  at("s", "other");
  EXPECT_FALSE(metadata_list(bytes(), "s", "k", list_).has_value());
  at("s", "k").set_string_value("not a list");
  EXPECT_FALSE(metadata_list(bytes(), "s", "k", list_).has_value());
  at("s", "k").mutable_list_value();
  const std::string encoded = bytes();
  const auto found = metadata_list(encoded, "s", "k", list_);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->empty());
}

TEST_F(RequestMetadata, FindsAString) {
  at("envoy.lb", "served").set_string_value("10.0.0.1:8000");
  const std::string encoded = bytes();
  EXPECT_EQ(metadata_string(encoded, "envoy.lb", "served"), "10.0.0.1:8000");
  EXPECT_FALSE(metadata_string(encoded, "envoy.lb", "missing").has_value());
  EXPECT_FALSE(metadata_string(encoded, "missing", "served").has_value());
}

}  // namespace
}  // namespace pointsman
