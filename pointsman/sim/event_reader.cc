#include "pointsman/sim/event_reader.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxEvent = 1UL << 20U;
constexpr std::string_view kData = "data: ";
constexpr std::string_view kEnd = "\n\n";

}  // namespace

bool EventReader::feed(std::string_view bytes) {
  buffer_.erase(0, begin_);
  begin_ = 0;
  buffer_.append(bytes);
  return buffer_.size() <= kMaxEvent + bytes.size();
}

bool EventReader::next(std::string_view& data) {
  const std::size_t end = buffer_.find(kEnd, begin_);
  if (end == std::string::npos) return false;
  data = std::string_view(buffer_).substr(begin_, end - begin_);
  if (data.starts_with(kData)) data.remove_prefix(kData.size());
  begin_ = end + kEnd.size();
  return true;
}

}  // namespace pointsman
