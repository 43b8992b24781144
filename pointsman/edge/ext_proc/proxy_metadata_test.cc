#include "pointsman/edge/ext_proc/proxy_metadata.h"

#include <string>

#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(ProxyMetadata, IsAStructPerSpace) {
  Arena arena;
  ProxyMetadata numbers;
  EXPECT_EQ(encode(numbers, arena), "");
  numbers.set("envoy.lb", "prompt_tokens", 15);
  numbers.set("other", "x", -0.5);
  numbers.set("envoy.lb", "completion_tokens", 2);
  numbers.set("envoy.lb", "prompt_tokens", 16);
  google::protobuf::Struct read;
  ASSERT_TRUE(read.ParseFromString(std::string(encode(numbers, arena))));
  ASSERT_EQ(read.fields_size(), 2);
  const auto& lb = read.fields().at("envoy.lb").struct_value().fields();
  EXPECT_EQ(lb.at("prompt_tokens").number_value(), 16);
  EXPECT_EQ(lb.at("completion_tokens").number_value(), 2);
  EXPECT_EQ(read.fields().at("other").struct_value().fields().at("x").number_value(), -0.5);
}

TEST(ProxyMetadata, DropsWhatIsTooMany) {
  ProxyMetadata numbers;
  const std::string keys = "abcdefghij";
  for (std::size_t i = 0; i < keys.size(); ++i)
    numbers.set("s", std::string_view(keys).substr(i, 1), 1);
  EXPECT_EQ(numbers.all().size(), 8U);
}

}  // namespace
}  // namespace pointsman
