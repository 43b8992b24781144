#include "pointsman/sim/trace.h"

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using namespace std::chrono_literals;

TEST(Trace, ReadsTheMooncakeForm) {
  const auto trace = parse_trace(
      R"({"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 7]})"
      "\n"
      R"({"timestamp": 2999, "input_length": 512, "output_length": 1, "hash_ids": [9]})",
      10);
  ASSERT_TRUE(trace.has_value()) << trace.error().message;
  ASSERT_EQ(trace->size(), 2U);
  EXPECT_EQ((*trace)[0].prompt_tokens, 600U);
  EXPECT_EQ((*trace)[0].output_tokens, 5U);
  EXPECT_EQ((*trace)[0].block_ids, (std::vector<std::uint64_t>{0, 7}));
  EXPECT_EQ((*trace)[1].arrival, 2999ms);
}

TEST(Trace, StopsAtTheLimit) {
  const std::string line =
      R"({"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": [0]})"
      "\n";
  EXPECT_EQ(parse_trace(line + line + line, 2)->size(), 2U);
}

TEST(Trace, NamesTheLineThatIsWrong) {
  const std::string good =
      R"({"timestamp": 5, "input_length": 1, "output_length": 1, "hash_ids": [0]})"
      "\n";
  for (const std::string bad : {
           "nonsense",
           "[]",
           R"({"timestamp": 5, "input_length": 1, "output_length": 1})",
           R"({"timestamp": 5, "input_length": 1, "output_length": 1, "hash_ids": []})",
           R"({"timestamp": 5, "input_length": 513, "output_length": 1, "hash_ids": [1]})",
           R"({"timestamp": 5, "input_length": -1, "output_length": 1, "hash_ids": [1]})",
           R"({"timestamp": 5, "input_length": 1, "output_length": 5000000000, "hash_ids": [1]})",
           R"({"timestamp": 5, "input_length": 1, "output_length": 1, "hash_ids": ["1"]})",
           R"({"timestamp": 4, "input_length": 1, "output_length": 1, "hash_ids": [1]})",
       }) {
    const auto trace = parse_trace(good + bad, 10);
    ASSERT_FALSE(trace.has_value()) << bad;
    EXPECT_TRUE(trace.error().message.starts_with("trace line 2: ")) << trace.error().message;
  }
}

TEST(Trace, SaysWhichFileCannotBeRead) {
  const auto trace = read_trace("/nonexistent/trace.jsonl", 1);
  ASSERT_FALSE(trace.has_value());
  EXPECT_EQ(trace.error().message, "/nonexistent/trace.jsonl: cannot be read");
}

TEST(Trace, SpreadsABucketOfThreeSecondsEvenly) {
  std::vector<TraceRequest> requests(5);
  requests[2].arrival = 2999ms;  // the bucket of 3 s, a millisecond early
  requests[3].arrival = 3000ms;
  requests[4].arrival = 3000ms;
  spread_arrivals(requests);
  EXPECT_EQ(requests[0].arrival, 0ms);
  EXPECT_EQ(requests[1].arrival, 1500ms);
  EXPECT_EQ(requests[2].arrival, 3000ms);
  EXPECT_EQ(requests[3].arrival, 4000ms);
  EXPECT_EQ(requests[4].arrival, 5000ms);
}

}  // namespace
}  // namespace pointsman
