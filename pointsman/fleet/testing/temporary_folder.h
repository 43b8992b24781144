#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace pointsman::testing {

// A folder of its own for one test, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  // Writes the file in place.
  void write(std::string_view name, std::string_view text) const;
  // Writes another file and renames it over this one.
  void replace(std::string_view name, std::string_view text) const;
  void remove(std::string_view name) const { std::filesystem::remove(folder_ / name); }

 private:
  std::filesystem::path folder_;
};

}  // namespace pointsman::testing
