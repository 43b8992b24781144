#include "pointsman/fleet/testing/temporary_folder.h"

#include <cstdlib>
#include <fstream>

#include "pointsman/base/bug.h"

namespace pointsman::testing {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "pointsman-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) bug("no temporary folder");
  folder_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::filesystem::remove_all(folder_);
}

void TemporaryFolder::write(std::string_view name, std::string_view text) const {
  std::ofstream(folder_ / name, std::ios::binary) << text;
}

void TemporaryFolder::replace(std::string_view name, std::string_view text) const {
  const std::string other = std::string(name) + ".new";
  write(other, text);
  std::filesystem::rename(folder_ / other, folder_ / name);
}

}  // namespace pointsman::testing
