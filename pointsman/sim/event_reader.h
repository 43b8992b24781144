#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pointsman {

// Cuts a stream of server-sent events into their data, however the bytes are cut on the way.
class EventReader {
 public:
  // The bytes that came. False if an event is longer than 1 MiB.
  bool feed(std::string_view bytes);

  // Takes the data of the next complete event, if there is one. Valid until the next feed().
  bool next(std::string_view& data);

 private:
  std::string buffer_;
  std::size_t begin_ = 0;  // of what next() has not taken
};

}  // namespace pointsman
