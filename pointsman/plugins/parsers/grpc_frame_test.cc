#include "pointsman/plugins/parsers/grpc_frame.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/testing/grpc_bytes.h"

namespace pointsman {
namespace {

using testing::cut;
using testing::frame;
using testing::hex;

std::string error_of(std::string_view body) {
  const auto message = grpc_message(body);
  return message ? "" : message.error().message;
}

TEST(GrpcFrame, GivesTheFirstMessage) {
  EXPECT_EQ(grpc_message(frame("abc")).value(), "abc");
  EXPECT_EQ(grpc_message(frame("")).value(), "");
  EXPECT_EQ(grpc_message(frame("abc") + frame("def")).value(), "abc");
}

TEST(GrpcFrame, SaysWhatIsWrong) {
  EXPECT_EQ(error_of(""), "invalid gRPC frame: expected at least 5 bytes for header, got 0");
  EXPECT_EQ(error_of(hex("00 00 00 00")),
            "invalid gRPC frame: expected at least 5 bytes for header, got 4");
  EXPECT_EQ(error_of(frame("abc", '\1')), "compressed gRPC payload is not supported");
  EXPECT_EQ(error_of(hex("00 00 00 00 0a 01 02")),
            "incomplete gRPC payload: header indicates 10 bytes, but only 2 bytes are available");
  EXPECT_EQ(error_of(hex("00 ff ff ff ff 01")),
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
