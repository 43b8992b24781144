#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "pointsman/base/bug.h"

namespace pointsman::testing {

// A folder of its own for one test, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "pointsman-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) bug("no temporary folder");
    folder_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(folder_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path() const { return folder_.string(); }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  // Writes the file in place.
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  // Writes another file and renames it over this one.
  void replace(std::string_view name, std::string_view text) const {
    const std::string other = std::string(name) + ".new";
    write(other, text);
    std::filesystem::rename(folder_ / other, folder_ / name);
  }
  void remove(std::string_view name) const { std::filesystem::remove(folder_ / name); }

 private:
  std::filesystem::path folder_;
};

}  // namespace pointsman::testing
