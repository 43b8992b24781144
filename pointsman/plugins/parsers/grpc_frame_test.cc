#include "pointsman/plugins/parsers/grpc_frame.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/gzip.h"
#include "pointsman/plugins/testing/grpc_bytes.h"

namespace pointsman {
namespace {

using testing::cut;
using testing::frame;
using testing::gzipped;
using testing::hex;

// What a request of that encoding says in its first message, or what is wrong with it.
std::string first(const std::string& body, std::string_view encoding = {}) {
  Arena arena;
  const std::array<Header, 1> headers{{{"grpc-encoding", encoding}}};
  Request request;
  if (!encoding.empty()) request.headers = headers;
  const auto message = grpc_message(body, request, arena);
  return std::string(message ? *message : message.error().message);
}

TEST(GrpcFrame, GivesTheFirstMessage) {
  EXPECT_EQ(first(frame("abc")), "abc");
  EXPECT_EQ(first(frame("")), "");
  EXPECT_EQ(first(frame("abc") + frame("def")), "abc");
}

TEST(GrpcFrame, DecompressesWhatSaysThatItIsGzip) {
  EXPECT_EQ(first(frame(gzipped("abc"), '\1'), "gzip"), "abc");
  EXPECT_EQ(first(frame("abc"), "gzip"), "abc") << "each message says by itself";
  EXPECT_EQ(first(frame("not gzip, but long enough", '\1'), "gzip"), "gzip: damaged");
  EXPECT_EQ(first(frame(gzipped(std::string(33UL << 20U, 'x')), '\1'), "gzip"), "gzip: too large");
  for (const std::string_view other : {"", "identity", "snappy"}) {
    EXPECT_EQ(first(frame(gzipped("abc"), '\1'), other),
              "compressed gRPC payload is not supported");
  }
}

TEST(GrpcFrame, SaysWhatIsWrong) {
  EXPECT_EQ(first(""), "invalid gRPC frame: expected at least 5 bytes for header, got 0");
  EXPECT_EQ(first(hex("00 00 00 00")),
            "invalid gRPC frame: expected at least 5 bytes for header, got 4");
  EXPECT_EQ(first(frame("abc", '\1')), "compressed gRPC payload is not supported");
  EXPECT_EQ(first(frame("abc", '\2')), "invalid gRPC frame: unknown flag 2");
  EXPECT_EQ(first(frame(gzipped("abc"), '\x81'), "gzip"), "invalid gRPC frame: unknown flag 129");
  EXPECT_EQ(first(hex("00 00 00 00 0a 01 02")),
            "incomplete gRPC payload: header indicates 10 bytes, but only 2 bytes are available");
  EXPECT_EQ(first(hex("00 ff ff ff ff 01")),
            "incomplete gRPC payload: header indicates 4294967295 bytes, but only 1 bytes are "
            "available");
}

std::vector<std::string> messages(const std::vector<std::string>& chunks,
                                  ResponseProgress& progress) {
  std::vector<std::string> found;
  for (const std::string& chunk : chunks) {
    read_grpc_frames(chunk, progress,
                     [&](std::string_view message) { found.emplace_back(message); });
  }
  return found;
}

TEST(GrpcFrames, AreFoundHoweverTheyAreCut) {
  const std::string all = frame("one") + frame("") + frame(std::string(300, 'x'));
  const std::vector<std::string> expected{"one", "", std::string(300, 'x')};
  for (const std::size_t size : {1UL, 2UL, 5UL, 7UL, 1000UL}) {
    ResponseProgress progress;
    EXPECT_EQ(messages(cut(all, size), progress), expected) << size;
    EXPECT_FALSE(progress.overflowed);
    EXPECT_TRUE(progress.frame.empty());
  }
}

TEST(GrpcFrames, ArePassedOverWhenCompressedOrTooLong) {
  const std::string all = frame("zipped", '\1') +
                          frame(std::string(ResponseProgress::kMaxCarry + 1, 'x')) + frame("ok");
  for (const std::size_t size : {3UL, 60'000UL, 10'000'000UL}) {
    ResponseProgress progress;
    EXPECT_EQ(messages(cut(all, size), progress), std::vector<std::string>{"ok"}) << size;
    EXPECT_TRUE(progress.overflowed);
    EXPECT_LT(progress.frame.capacity(), 1000U);
  }
}

}  // namespace
}  // namespace pointsman
