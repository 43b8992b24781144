#include "pointsman/fleet/text_file.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/base/testing/temporary_folder.h"

namespace pointsman {
namespace {

using testing::TemporaryFolder;

TEST(TextFile, IsReadUpToItsLimit) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a");
  folder.write("a", "12345");
  EXPECT_EQ(read_text_file(path, 5), "12345");
}

TEST(TextFile, ThatIsTooLargeIsNamedWithItsLimit) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a");
  folder.write("a", "123456");
  const auto text = read_text_file(path, 5);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::too_large);
  EXPECT_EQ(text.error().message, "read " + path + ": larger than 5 bytes");
}

TEST(TextFile, ThatIsNotThereIsNamedInGosWords) {
  const auto text = read_text_file("/nowhere/at/all", 5);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message, "open /nowhere/at/all: no such file or directory");
}

}  // namespace
}  // namespace pointsman
