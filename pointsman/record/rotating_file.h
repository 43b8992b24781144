#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

// A series of files in one folder, of which the newest is written and the oldest are deleted.
// Names sort by age: decisions-20261122T120000Z-0001.pmr.
//
// Threading: one thread.
class RotatingFile {
 public:
  RotatingFile(std::string folder, std::size_t files);
  ~RotatingFile();
  RotatingFile(const RotatingFile&) = delete;
  RotatingFile& operator=(const RotatingFile&) = delete;

  // Begins the next file; deletes the oldest ones of this process that are too many.
  // Errors: io. REQUIRES, for the first: the folder can be made.
  Result<void> next();
  // Appends whole. Errors: io; what was written of it stays.
  Result<void> write(std::string_view bytes);
  std::uint64_t size() const { return size_; }  // of the newest file
  std::uint64_t number() const { return number_; }

 private:
  void close();

  const std::string folder_;
  const std::size_t files_;
  std::string stamp_;
  std::vector<std::string> kept_;
  std::uint64_t number_ = 0;
  std::uint64_t size_ = 0;
  int fd_ = -1;
};

}  // namespace pointsman
