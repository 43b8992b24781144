#include "pointsman/base/proto_wire.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(ProtoWire, ReadsWhatItWrites) {
  const std::string text(300, 't');
  std::string out(1000, '\0');
  ProtoWriter writer(out.data());
  writer.value(1, 150);
  writer.bytes(2, text);
  writer.number(3, 1.5);
  writer.value(100'000, std::numeric_limits<std::uint64_t>::max());
  out.resize(static_cast<std::size_t>(writer.at() - out.data()));
  EXPECT_EQ(out.substr(0, 3), "\x08\x96\x01");
  EXPECT_EQ(out.size(), 3 + bytes_field_size(2, text.size()) + 9 + 3 + 10);

  ProtoReader reader(out);
  ProtoField field;
  ASSERT_TRUE(reader.next(field));
  EXPECT_TRUE(field.is(1, ProtoType::varint));
  EXPECT_EQ(field.value, 150U);
  ASSERT_TRUE(reader.next(field));
  EXPECT_TRUE(field.is(2, ProtoType::bytes));
  EXPECT_EQ(field.bytes, text);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(std::bit_cast<double>(field.value), 1.5);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.number, 100'000U);
  EXPECT_EQ(field.value, std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(reader.next(field));
  EXPECT_TRUE(reader.ok());
}

TEST(ProtoWire, SizesVarints) {
  EXPECT_EQ(varint_size(0), 1U);
  EXPECT_EQ(varint_size(127), 1U);
  EXPECT_EQ(varint_size(128), 2U);
  EXPECT_EQ(varint_size(16'383), 2U);
  EXPECT_EQ(varint_size(16'384), 3U);
  EXPECT_EQ(varint_size(std::numeric_limits<std::uint64_t>::max()), 10U);
}

TEST(ProtoWire, PassesOverGroups) {
  // Field 1 twice; before, between and behind them a group that has fields and a group in it.
  const std::string group("\x13\x08\x01\x1b\x0a\x01x\x1c\x14", 9);
  const std::string message = group + "\x08\x05" + group + "\x08\x06" + group;
  ProtoReader reader(message);
  ProtoField field;
  std::vector<std::uint64_t> found;
  while (reader.next(field)) found.push_back(field.value);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(found, (std::vector<std::uint64_t>{5, 6}));
}

TEST(ProtoWire, StopsAtWhatIsMalformed) {
  const std::vector<std::string> bad{
      "\x08",                                              // a varint without its bytes
      "\x0a\x05",                                          // bytes that are not there
      std::string("\x09\0\0\0", 4),                        // half a fixed64
      "\x0b",                                              // a group without end
      "\x0b\x14",                                          // a group that ends as another one
      "\x0c",                                              // the end of none
      std::string("\x03\x04", 2),                          // a group of number 0
      std::string(33, '\x0b') + std::string(33, '\x0c'),   // groups in groups without measure
      "\x0f",                                              // wire type 7
      std::string("\x00\x01", 2),                          // field number 0
      "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",      // a length of 2^64 - 1
      "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  // a varint of eleven bytes
      "\xff\xff\xff\xff\xff\x01\x01",                      // a tag over 32 bits
  };
  for (const std::string& message : bad) {
    ProtoReader reader(message);
    ProtoField field;
    while (reader.next(field)) {
    }
    EXPECT_FALSE(reader.ok()) << testing::PrintToString(message);
  }
}

}  // namespace
}  // namespace pointsman
