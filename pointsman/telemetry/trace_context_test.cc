#include "pointsman/telemetry/trace_context.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/telemetry/sampler.h"

namespace pointsman {
namespace {

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kSpan = "b7ad6b7169203331";
const std::string kSampled = "00-" + kTrace + "-" + kSpan + "-01";

// What is sent on after `value` came in; empty when it was refused.
std::string echo(const std::string& value) {
  const auto context = parse_traceparent(value);
  if (!context) return "";
  const auto text = format_traceparent(*context);
  return {text.data(), text.size()};
}

TEST(Traceparent, ReadsAndWritesVersionZero) {
  EXPECT_EQ(echo(kSampled), kSampled);
  const auto context = parse_traceparent(kSampled);
  EXPECT_TRUE(context->sampled());
  EXPECT_EQ(context->trace_id[0], 0x0a);
  EXPECT_EQ(context->span_id[7], 0x31);
  EXPECT_FALSE(parse_traceparent("00-" + kTrace + "-" + kSpan + "-00")->sampled());
}

TEST(Traceparent, KeepsTheRandomFlag) {
  EXPECT_EQ(echo("00-" + kTrace + "-" + kSpan + "-03"), "00-" + kTrace + "-" + kSpan + "-03");
  EXPECT_EQ(echo("00-" + kTrace + "-" + kSpan + "-02"), "00-" + kTrace + "-" + kSpan + "-02");
}

TEST(Traceparent, RefusesWhatIsMalformed) {
  for (const std::string& bad :
       {std::string(), std::string("00"), kSampled + "-extra", kSampled + " ", " " + kSampled,
        "ff-" + kTrace + "-" + kSpan + "-01", "00-" + kTrace + "-" + kSpan + "-04",
        "00-" + kTrace + "-" + kSpan + "-ff",
        "00-0AF7651916CD43DD8448EB211C80319C-" + kSpan + "-01",
        "00-" + kTrace + "-B7AD6B7169203331-01", "00-" + std::string(32, '0') + "-" + kSpan + "-01",
        "00-" + kTrace + "-" + std::string(16, '0') + "-01", "00_" + kTrace + "-" + kSpan + "-01",
        "0g-" + kTrace + "-" + kSpan + "-01", kSampled.substr(0, 54)}) {
    EXPECT_EQ(echo(bad), "") << bad;
  }
}

TEST(Traceparent, ReadsLaterVersionsAsFarAsItKnowsThem) {
  EXPECT_EQ(echo("01-" + kTrace + "-" + kSpan + "-01"), kSampled);
  EXPECT_EQ(echo("01-" + kTrace + "-" + kSpan + "-ff-more"), "00-" + kTrace + "-" + kSpan + "-03");
  EXPECT_EQ(echo("01-" + kTrace + "-" + kSpan + "-01more"), "");
}

TEST(Tracestate, IsKeptOrDroppedWhole) {
  for (const std::string& good :
       {std::string("a=1"), std::string("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        std::string("a=1 , b=2"), std::string("0tenant@sys=x"), std::string("a=1,,b=2"),
        std::string("a*/_-9=!~"), "k=" + std::string(256, 'v')}) {
    EXPECT_EQ(valid_tracestate(good), good);
  }
  EXPECT_EQ(valid_tracestate(" a=1\t"), "a=1");
  std::string many;
  for (int i = 0; i < 33; ++i) many += "k" + std::to_string(i) + "=v,";
  for (const std::string& bad :
       {std::string(), std::string(","), std::string("a"), std::string("a="), std::string("A=1"),
        std::string("a=1,a=2"), std::string("0a=1"), std::string("a=b=c"), std::string("a@=1"),
        std::string("a@b@c=1"), std::string("a=\x01"), "k=" + std::string(257, 'v'), many}) {
    EXPECT_EQ(valid_tracestate(bad), "") << bad;
  }
}

TEST(Baggage, IsKeptOrDroppedWhole) {
  for (const std::string good : {"user=alice", "a=1,b=2", "a=%20x;ttl=3;secret , b = 2", "a="}) {
    EXPECT_EQ(valid_baggage(good), good);
  }
  std::string many = "k=v";
  for (int i = 0; i < 180; ++i) many += ",k=v";
  for (const std::string& bad :
       {std::string("user"), std::string("=x"), std::string("a=b c"), std::string("a=\"b\""),
        std::string("a=%2"), std::string("a=1,,b=2"), std::string("a b=1"), many,
        "a=" + std::string(8192, 'x')}) {
    EXPECT_EQ(valid_baggage(bad), "") << bad;
  }
}

std::array<std::uint8_t, 16> low_half(std::uint64_t low) {
  std::array<std::uint8_t, 16> id{1};
  for (std::size_t i = 0; i < 8; ++i) id[15 - i] = static_cast<std::uint8_t>(low >> (8 * i));
  return id;
}

TEST(Sampler, RatioIsAnExactBoundOnTheTraceId) {
  const auto samples = [](double ratio, std::uint64_t low) {
    return Sampler(ratio, true).samples({}, low_half(low));
  };
  EXPECT_TRUE(samples(0.1, 1));
  EXPECT_TRUE(samples(0.1, 0x199999999999999F));
  EXPECT_TRUE(samples(0.1, 0x19999999999999FF));
  EXPECT_FALSE(samples(0.1, 0x1999999999999A00));
  EXPECT_FALSE(samples(0.51, 0x8448eb211c80319c));
  EXPECT_TRUE(samples(0.52, 0x8448eb211c80319c));
  EXPECT_TRUE(samples(1, ~0ULL));
  EXPECT_TRUE(samples(2, ~0ULL));
  EXPECT_FALSE(samples(0, 0));
  EXPECT_FALSE(samples(-1, 0));
  EXPECT_FALSE(samples(std::numeric_limits<double>::quiet_NaN(), 0));
}

TEST(Sampler, FollowsAParentOnlyWhenParentBased) {
  const SpanContext yes = *parse_traceparent(kSampled);
  SpanContext no = yes;
  no.flags = 0;
  EXPECT_TRUE(Sampler(0, true).samples(yes, yes.trace_id));
  EXPECT_FALSE(Sampler(1, true).samples(no, no.trace_id));
  EXPECT_FALSE(Sampler(0, false).samples(yes, yes.trace_id));
  EXPECT_TRUE(Sampler(1, false).samples(no, no.trace_id));
}

}  // namespace
}  // namespace pointsman
