#include "pointsman/sim/event_reader.h"

#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

std::vector<std::string> events(std::string_view text, std::size_t piece) {
  EventReader reader;
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    EXPECT_TRUE(reader.feed(text.substr(at, piece)));
    std::string_view data;
    while (reader.next(data)) out.emplace_back(data);
  }
  return out;
}

TEST(EventReader, GivesTheSameEventsHoweverTheBytesAreCut) {
  constexpr std::string_view kText = "data: {\"a\":1}\n\ndata: second\n\ndata: [DONE]\n\ndata: cut";
  const std::vector<std::string> expected = {"{\"a\":1}", "second", "[DONE]"};
  for (std::size_t piece = 1; piece <= kText.size(); ++piece) {
    EXPECT_EQ(events(kText, piece), expected) << piece;
  }
}

TEST(EventReader, RefusesAnEventWithoutEnd) {
  EventReader reader;
  const std::string piece(100'000, 'x');
  int accepted = 0;
  while (accepted < 100 && reader.feed(piece)) ++accepted;
  EXPECT_EQ(accepted, 11);
}

}  // namespace
}  // namespace pointsman
