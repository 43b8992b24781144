#include "pointsman/plugins/parsers/vllm_grpc.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/testing/grpc_bytes.h"
#include "pointsman/plugins/testing/parsing.h"

namespace pointsman {
namespace {

using testing::cut;
using testing::field;
using testing::frame;
using testing::hex;
using testing::number;
using testing::packed;
using testing::Read;
using testing::usage;
using Prompts = std::vector<std::string>;
using Counts = std::vector<std::int64_t>;

constexpr std::string_view kGenerate = "/vllm.grpc.engine.VllmEngine/Generate";
constexpr std::string_view kEmbed = "/vllm.grpc.engine.VllmEngine/Embed";
// Parsed::mode of the two.
constexpr std::uint8_t kGenerated = 0;
constexpr std::uint8_t kEmbedded = 1;

const VllmGrpcParser kParser = testing::made<VllmGrpcParser>();

Read read(std::string_view path, const std::string& body) {
  return testing::read(kParser, path, body);
}
Read generate(const std::string& message) {
  return read(kGenerate, frame(message));
}

TEST(VllmGrpcParser, ReadsText) {
  const Read got = read(kGenerate, hex("00 0000000f 1a 0b 746573742d73747265616d 28 01"));
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.prompts, Prompts{"test-stream"});
  EXPECT_TRUE(got.stream);
  EXPECT_FALSE(got.skip);
  EXPECT_FALSE(got.rewritable);
  EXPECT_EQ(got.model, "");
  EXPECT_EQ(got.cap, std::nullopt);
}

TEST(VllmGrpcParser, ReadsTokenIdsPackedAndNot) {
  const std::string ids = packed(2, {1, 300, 4294967295}) + number(2, 7);
  EXPECT_EQ(generate(field(2, field(1, "the text") + ids)).prompts,
            Prompts{"[1 300 4294967295 7]"});
  EXPECT_EQ(generate(field(2, "")).prompts, Prompts{""});
}

TEST(VllmGrpcParser, TakesTheLastOfTwoInputs) {
  EXPECT_EQ(generate(field(3, "text") + field(2, packed(2, {1}))).prompts, Prompts{"[1]"});
  EXPECT_EQ(generate(field(2, packed(2, {1})) + field(3, "text")).prompts, Prompts{"text"});
}

TEST(VllmGrpcParser, KeepsAnOutputCapOfZero) {
  const std::string text = field(3, "x");
  EXPECT_EQ(generate(text + field(4, number(7, 3) + number(8, 64))).cap, 64);
  EXPECT_EQ(generate(text + field(4, number(8, 0))).cap, 0);
  EXPECT_EQ(generate(text + field(4, number(9, 5))).cap, std::nullopt);
}

TEST(VllmGrpcParser, PutsImagesInThePlaceOfTheirTokens) {
  const std::string ids = packed(2, {1, 9, 9, 2, 9, 3});
  const auto place = [](std::uint64_t offset, std::uint64_t length) {
    return field(5, number(1, offset) + number(2, length));
  };
  const std::string images = place(4, 1) + place(1, 2) + field(6, "second") + field(6, "first");
  EXPECT_EQ(generate(field(2, ids) + field(7, images)).prompts,
            Prompts{"[1]<image first>[2]<image second>[3]"});
  // Without a hash, and where the places make no sense.
  EXPECT_EQ(generate(field(2, ids) + field(7, place(1, 2))).prompts, Prompts{"[1]<image >[2 9 3]"});
  EXPECT_EQ(generate(field(2, ids) + field(7, place(1, 2) + place(2, 2) + place(5, 9) +
                                                  place(~0ULL, ~0ULL) + place(3, 0)))
                .prompts,
            Prompts{"[1]<image >[2 9 3]"});
}

TEST(VllmGrpcParser, ReadsEmbedRequests) {
  EXPECT_EQ(read(kEmbed, frame(field(1, "id") + field(2, packed(2, {4, 5})))).prompts,
            Prompts{"[4 5]"});
  EXPECT_EQ(read(kEmbed, hex("00 00000009 12 07 0a 05 7465737431")).error, "");
  EXPECT_EQ(read(kEmbed, frame("")).error, "missing tokenized input in EmbedRequest");
}

TEST(VllmGrpcParser, SaysWhatIsWrong) {
  const std::string no_frame = "invalid or unsupported gRPC payload";
  EXPECT_EQ(read(kGenerate, "").error, no_frame);
  EXPECT_EQ(read(kGenerate, hex("00 00000009 12")).error, no_frame);
  EXPECT_EQ(read(kGenerate, frame(field(3, "x"), '\1')).error, no_frame);
  EXPECT_EQ(read("/other", "").error, no_frame);
  EXPECT_EQ(generate("").error, "not supported request inputType");
  EXPECT_EQ(generate(number(5, 1)).error, "not supported request inputType");
  const std::string malformed = ": proto: cannot parse invalid wire-format data";
  for (const std::string& bad :
       {hex("1a ff"), field(2, hex("12 02 01")), field(2, hex("12 01 ff")),
        field(3, "x") + hex("22 01 ff"), field(2, "") + field(7, hex("2a")),
        field(2, "") + field(7, field(5, hex("08")))}) {
    EXPECT_EQ(generate(bad).error, "unmarshaling GenerateRequest" + malformed);
  }
  EXPECT_EQ(read(kEmbed, frame(hex("ff"))).error, "unmarshaling EmbedRequest" + malformed);
  EXPECT_EQ(read(kEmbed, frame(field(2, hex("12 01 ff")))).error,
            "unmarshaling EmbedRequest" + malformed);
}

TEST(VllmGrpcParser, PassesOtherMethodsOn) {
  const Read got = read("/vllm.grpc.engine.VllmEngine/Abort", frame("\xff"));
  EXPECT_EQ(got.error, "");
  EXPECT_TRUE(got.skip);
  EXPECT_EQ(got.prompts, Prompts{});
}

std::string chunk(std::uint64_t prompt, std::uint64_t output, std::uint64_t cached) {
  return frame(
      field(1, packed(1, {4}) + number(2, prompt) + number(3, output) + number(4, cached)));
}

TEST(VllmGrpcParser, ReadsUsageOfChunksAndOfTheWhole) {
  EXPECT_EQ(usage(kParser, kGenerated, {chunk(10, 5, 2)}), (Counts{10, 5, 15, 2}));
  const std::string counts = number(3, 20) + number(4, 15);
  EXPECT_EQ(usage(kParser, kGenerated, {frame(field(2, counts + number(5, 5)))}),
            (Counts{20, 15, 35, 5}));
  EXPECT_EQ(usage(kParser, kGenerated, {frame(field(2, counts))}), (Counts{20, 15, 35, 0}));
  EXPECT_EQ(usage(kParser, kGenerated, {frame(field(1, packed(1, {4})))}),
            (Counts{-1, -1, -1, -1}));
  for (const std::string& odd : {frame(""), frame("\xff"), std::string("no healthy upstream")}) {
    EXPECT_EQ(usage(kParser, kGenerated, {odd}), (Counts{-1, -1, -1, -1}));
  }
}

TEST(VllmGrpcParser, ReadsUsageOfEmbeddings) {
  const std::string embedding = field(1, std::string(8, '\0'));
  EXPECT_EQ(usage(kParser, kEmbedded, {frame(embedding + number(2, 10) + number(3, 2))}),
            (Counts{10, -1, 10, -1}));
}

// The reference reads the first frame of each chunk only.
TEST(VllmGrpcParser, ReadsAStreamHoweverItIsCut) {
  const std::string all = chunk(7, 1, 0) + chunk(7, 2, 0) +
                          frame(field(2, number(3, 7) + number(4, 10) + number(5, 3)));
  for (const std::size_t size : {1UL, 3UL, 11UL, 1000UL}) {
    EXPECT_EQ(usage(kParser, kGenerated, cut(all, size)), (Counts{7, 10, 17, 3})) << size;
  }
}

}  // namespace
}  // namespace pointsman
