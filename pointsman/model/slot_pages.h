#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace pointsman {

// A cell for each slot that an EndpointKey can have. They are made by pages, when the first of a
// page is asked for, and stay where they are until the end.
//
// Threading: any thread, without locks; what a cell holds is its own affair.
template <typename Cell, std::size_t kPageCells = 64>
class SlotPages {
 public:
  SlotPages() = default;
  SlotPages(const SlotPages&) = delete;
  SlotPages& operator=(const SlotPages&) = delete;
  ~SlotPages() {
    for (const auto& page : pages_) {
      const std::unique_ptr<Page> owned(page.load(std::memory_order_relaxed));
    }
  }

  // Null when nobody has asked for a cell of this page with at().
  Cell* find(std::uint16_t slot) const {
    Page* const page = pages_[slot / kPageCells].load(std::memory_order_acquire);
    return page == nullptr ? nullptr : &page->cells[slot % kPageCells];
  }

  Cell& at(std::uint16_t slot) {
    if (Cell* const found = find(slot)) return *found;
    auto made = std::make_unique<Page>();
    Page* page = nullptr;
    if (pages_[slot / kPageCells].compare_exchange_strong(page, made.get(),
                                                          std::memory_order_acq_rel)) {
      page = made.release();
    }
    return page->cells[slot % kPageCells];
  }

  // Calls `see(slot, cell)` for the cells that there are.
  template <typename See>
  void for_each(const See& see) const {
    for (std::size_t i = 0; i < kPages; ++i) {
      Page* const page = pages_[i].load(std::memory_order_acquire);
      if (page == nullptr) continue;
      for (std::size_t k = 0; k < kPageCells; ++k) {
        see(static_cast<std::uint16_t>(i * kPageCells + k), page->cells[k]);
      }
    }
  }

 private:
  static constexpr std::size_t kPages = 65'536 / kPageCells;
  struct Page {
    std::array<Cell, kPageCells> cells;
  };

  std::array<std::atomic<Page*>, kPages> pages_{};
};

}  // namespace pointsman
