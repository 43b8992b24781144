#include "pointsman/sim/wire_form.h"

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TraceRequest recorded(std::uint32_t prompt, std::vector<std::uint64_t> ids) {
  return {.arrival = {}, .prompt_tokens = prompt, .output_tokens = 7, .block_ids = std::move(ids)};
}

ModelRequest metered(std::string_view text, WireForm form = {}, std::string_view model = "m") {
  take_output_tag(text);
  PromptMeter meter(form, model);
  meter.role("user");
  meter.text(text);
  return std::move(meter).request(1);
}

TEST(WireForm, MakesABlockOf256BytesAndCutsTheLastOne) {
  const std::string text = prompt_text(recorded(600, {1, 2}), {});
  EXPECT_EQ(text.size(), 256 + 44 + output_tag(7).size());
  EXPECT_TRUE(text.ends_with("<|output=7|>"));
}

TEST(WireForm, MakesABlockAsLongAsRealTextWhenAsked) {
  const std::string text = prompt_text(recorded(600, {1, 2}), WireForm::real_size());
  EXPECT_EQ(text.size(), 2400 + output_tag(7).size());
  EXPECT_EQ(WireForm::real_size().block_size(), 512U);
}

TEST(WireForm, GivesTheSameTextForTheSameIdAndOnlyForIt) {
  const std::string one = prompt_text(recorded(1024, {1, 2}), {});
  const std::string other = prompt_text(recorded(1024, {1, 3}), {});
  EXPECT_EQ(one.substr(0, 256), other.substr(0, 256));
  EXPECT_NE(one.substr(256), other.substr(256));
}

TEST(WireForm, KeepsTheModelsTokensAndSharing) {
  for (const WireForm form : {WireForm{}, WireForm::real_size()}) {
    const ModelRequest one = metered(prompt_text(recorded(1200, {1, 2, 3}), form), form);
    const ModelRequest other = metered(prompt_text(recorded(1536, {1, 2, 4}), form), form);
    EXPECT_EQ(one.prompt_tokens, 1200U);
    EXPECT_EQ(other.prompt_tokens, 1536U);
    ASSERT_EQ(one.blocks.size(), 2U);  // the third is not full
    ASSERT_EQ(other.blocks.size(), 3U);
    EXPECT_EQ(one.blocks[0], other.blocks[0]);
    EXPECT_EQ(one.blocks[1], other.blocks[1]);
  }
}

TEST(WireForm, ReadsTheTagOnlyAtTheEndAndWellFormed) {
  std::string_view text = "hello<|output=343|>";
  EXPECT_EQ(take_output_tag(text), 343U);
  EXPECT_EQ(text, "hello");
  for (std::string_view other :
       {"", "hello", "<|output=1|> hello", "<|output=|>", "<|output=0|>", "<|output=-1|>",
        "<|output=99999999999|>", "<|output=1x|>", "<|output=1"}) {
    const std::string_view before = other;
    EXPECT_EQ(take_output_tag(other), std::nullopt) << before;
    EXPECT_EQ(other, before);
  }
}

TEST(PromptMeter, GivesTheSameHashesHoweverTheTextIsCut) {
  const std::string text = prompt_text(recorded(1300, {1, 2, 3}), {});
  PromptMeter pieces({}, "m");
  pieces.role("user");
  for (std::size_t at = 0; at < text.size(); at += 100) {
    pieces.text(std::string_view(text).substr(at, 100));
  }
  PromptMeter whole({}, "m");
  whole.role("user");
  whole.text(text);
  EXPECT_EQ(std::move(pieces).request(1).blocks, std::move(whole).request(1).blocks);
}

TEST(PromptMeter, ChainsHashesAndTellsModelsAndRolesApart) {
  const std::string text(512, 'x');
  const ModelRequest request = metered(text);
  ASSERT_EQ(request.blocks.size(), 2U);
  EXPECT_NE(request.blocks[0], request.blocks[1]);
  EXPECT_NE(request.blocks[0], metered(text, {}, "adapter").blocks[0]);
  PromptMeter system({}, "m");
  system.role("system");
  system.text(text);
  EXPECT_NE(request.blocks[0], std::move(system).request(1).blocks[0]);
}

TEST(PromptMeter, CountsFourBytesAsAWireTokenRoundedUp) {
  PromptMeter meter({}, "m");
  EXPECT_EQ(meter.wire_tokens(), 0U);
  meter.text("12345");
  EXPECT_EQ(meter.wire_tokens(), 2U);
}

}  // namespace
}  // namespace pointsman
