#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace pointsman {

// What plugins have worked out of the identities of one set of endpoints, such as a label read as a
// number. Lives and dies with those identities, so that nothing in it is ever out of date. Readers
// hold what they found without a lock, so nothing goes earlier: while the same endpoints stay, each
// reload of the configuration leaves behind the notes of the plugins it replaced, a few values per
// endpoint.
//
// Threading: any thread, without locks.
class EndpointNotes {
 public:
  EndpointNotes() = default;
  ~EndpointNotes() {
    for (Note* note = first_.load(std::memory_order_relaxed); note != nullptr;) {
      note = std::unique_ptr<Note>(note)->next;
    }
  }
  EndpointNotes(const EndpointNotes&) = delete;
  EndpointNotes& operator=(const EndpointNotes&) = delete;

  struct Note {
    explicit Note(std::uint64_t author) : key(author) {}
    virtual ~Note() = default;
    std::uint64_t key;
    Note* next = nullptr;
  };

  // The note of that author, or nullptr. There are few: one per plugin that takes notes.
  const Note* find(std::uint64_t key) const {
    const Note* note = first_.load(std::memory_order_acquire);
    while (note != nullptr && note->key != key) note = note->next;
    return note;
  }

  // Two threads may add the same note at once: both stay, and both say the same.
  const Note& add(std::unique_ptr<Note> note) {
    note->next = first_.load(std::memory_order_relaxed);
    while (!first_.compare_exchange_weak(note->next, note.get(), std::memory_order_release,
                                         std::memory_order_relaxed)) {
    }
    return *note.release();
  }

 private:
  std::atomic<Note*> first_ = nullptr;
};

}  // namespace pointsman
