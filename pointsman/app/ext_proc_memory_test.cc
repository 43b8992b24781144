// The bound of request bodies in memory, over all transactions (--max-inflight-bytes).

#include <string>

#include <gtest/gtest.h>

#include "pointsman/app/testing/ext_proc_rig.h"

namespace pointsman {
namespace {

using testing::Rig;
using testing::three;
using testing::Transaction;

const std::string kBody = R"({"model":"m","prompt":")" + std::string(600, 'x') + R"("})";

struct Bounded {
  ByteBudget memory{1000};
  Rig rig{three(), {.memory = &memory}};
};

TEST(ExtProcMemory, WhatGoesBeyondIsRefused) {
  Bounded bounded;
  Transaction first(bounded.rig);
  first.request_headers();
  first.request_body(kBody, /*end=*/false);
  EXPECT_EQ(bounded.memory.used(), kBody.size());

  Transaction second(bounded.rig);
  second.request_headers();
  second.request_body(kBody.substr(0, 300), /*end=*/false);
  second.request_body(kBody.substr(300));
  const auto refused = second.answer();
  ASSERT_TRUE(refused.has_immediate_response());
  EXPECT_EQ(refused.immediate_response().status().code(), 503);
  EXPECT_EQ(refused.immediate_response().body(),
            "inference error: ServiceUnavailable - too many request bodies in memory at once");
  EXPECT_EQ(second.status(), "0");
  EXPECT_EQ(bounded.memory.used(), kBody.size());
  EXPECT_NE(bounded.rig.metrics().find("error_code=\"ServiceUnavailable\""), std::string::npos);

  first.request_body("", /*end=*/true);
  EXPECT_EQ(first.answers().size(), 2U) << "nobody else is disturbed";
}

TEST(ExtProcMemory, IsGivenBackHoweverATransactionEnds) {
  Bounded bounded;
  for (const char* const how : {"closed", "reset", "refused", "whole"}) {
    SCOPED_TRACE(how);
    Transaction one(bounded.rig);
    one.request_headers();
    if (how == std::string("refused")) {
      one.request_body("{\"prompt\":");
    } else {
      one.request_body(kBody, how == std::string("whole"));
      EXPECT_EQ(bounded.memory.used(), kBody.size());
    }
    if (how == std::string("reset")) {
      one.cancel();
    } else if (how != std::string("refused")) {
      one.half_close();
    }
    EXPECT_EQ(bounded.memory.used(), 0U);
    EXPECT_EQ(bounded.rig.active(), 0U);
  }
}

}  // namespace
}  // namespace pointsman
