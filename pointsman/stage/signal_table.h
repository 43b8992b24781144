#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/model/inputs.h"
#include "pointsman/model/names.h"

namespace pointsman {

// Gives every data key of one pipeline its place in Signals, and knows what stands there. What a
// record must hold to repeat a decision is read from here; a plugin does nothing for it.
class SignalTable {
 public:
  // The place of `column.key`; the same key gets the same place, and keeps its first form.
  std::uint16_t place(SignalColumn column);
  // The place of a key that has been declared.
  std::optional<std::uint16_t> find(const DataKey& key) const;
  // What stands at the place of a key that has been declared, or nullptr.
  const SignalColumn* column(const DataKey& key) const;
  // A place of its own, which nobody else reads.
  std::uint16_t fresh() { return next_++; }
  std::size_t size() const { return next_; }

  // Notes that a plugin reads this header, by its lower-case name.
  void add_header(std::string_view name);
  // All that were noted, sorted.
  const std::vector<std::string>& headers() const { return headers_; }

 private:
  std::map<std::string, SignalColumn, std::less<>> columns_;
  std::vector<std::string> headers_;
  std::uint16_t next_ = 0;
};

}  // namespace pointsman
