// A word on which one thread sleeps and which others ring (futex). It may lie in memory that processes share.
#pragma once

#include <atomic>
#include <cstdint>

namespace mpibatch {

// Sleeps while a word has a value and nobody wakes it, until the time is over or a signal comes. The word may
// lie in memory that processes share (futex).
void WaitOnWord(const std::uint32_t* word, std::uint32_t value, int microseconds);
// Looks at a word while it has a value, for this long at most, and lets other threads have the processor
// meanwhile.
void WatchWord(const std::uint32_t* word, std::uint32_t value, int microseconds);
// Wakes one thread that sleeps on the word.
void WakeOnWord(const std::uint32_t* word);

class Doorbell {
 public:
  // Number of rings so far; to be read before looking for work.
  std::uint32_t Rings() const { return rings_.load(); }
  // Wakes the sleeper, or keeps it from falling asleep.
  void Ring();
  // Sleeps until the bell is rung after `seen` was read, or the time is over.
  void Sleep(std::uint32_t seen, int microseconds);

 private:
  const std::uint32_t* Word() const { return reinterpret_cast<const std::uint32_t*>(&rings_); }

  std::atomic<std::uint32_t> rings_{0};
  std::atomic<std::uint32_t> sleepers_{0};
  // Bells of different processes lie beside each other.
  char padding_[56];
};

static_assert(sizeof(Doorbell) == 64, "a bell has a cache line for itself");
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && sizeof(std::atomic<std::uint32_t>) == 4,
              "bells are words that processes share");

}  // namespace mpibatch
