#include "pointsman/telemetry/label_limit.h"

#include <bit>

#include "pointsman/base/client_text.h"
#include "pointsman/base/random.h"
#include "pointsman/telemetry/label_hash.h"

namespace pointsman {

LabelLimit::LabelLimit(std::size_t max)
    : max_(max),
      mask_(std::bit_ceil(4 * max + 1) - 1),
      seed_(entropy()),
      slots_(std::make_unique<std::atomic<const std::string*>[]>(mask_ + 1)),
      full_(max == 0) {}

std::string_view LabelLimit::bound(std::string_view value) {
  if (value.empty()) return value;
  if (value.size() > kMaxClientText) return kOther;
  if (const std::string* known = find(value); known != nullptr) return *known;
  if (full_.load(std::memory_order_acquire)) return kOther;
  const std::lock_guard lock(mutex_);
  if (find(value) != nullptr) return value;
  if (admitted_ == max_) return kOther;
  insert(value, admitted_);
  full_.store(admitted_ == max_, std::memory_order_release);
  return value;
}

bool LabelLimit::pin(std::string_view value) {
  if (value.size() > kMaxClientText) return false;
  const std::lock_guard lock(mutex_);
  if (find(value) != nullptr) return true;
  if (pinned_ == max_) return false;
  insert(value, pinned_);
  return true;
}

const std::string* LabelLimit::find(std::string_view value) const {
  for (std::size_t slot = label::hash(seed_, value);; ++slot) {
    const std::string* const here = slots_[slot & mask_].load(std::memory_order_acquire);
    if (here == nullptr || *here == value) return here;
  }
}

void LabelLimit::insert(std::string_view value, std::size_t& count) {
  std::size_t slot = label::hash(seed_, value);
  while (slots_[slot & mask_].load(std::memory_order_relaxed) != nullptr) ++slot;
  slots_[slot & mask_].store(&values_.emplace_back(value), std::memory_order_release);
  ++count;
}

}  // namespace pointsman
