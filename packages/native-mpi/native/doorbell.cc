#include "doorbell.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "clock.h"

namespace mpibatch {

void WaitOnWord(const std::uint32_t* word, std::uint32_t value, int microseconds) {
  const timespec duration = {microseconds / 1000000, (microseconds % 1000000) * 1000L};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &duration, nullptr, 0);
}

void WatchWord(const std::uint32_t* word, std::uint32_t value, int microseconds) {
  const std::int64_t end = NowMicroseconds() + microseconds;
  while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value && NowMicroseconds() < end) sched_yield();
}

void WakeOnWord(const std::uint32_t* word) { syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0); }

void Doorbell::Ring() {
  rings_.fetch_add(1);
  if (sleepers_.load() != 0) WakeOnWord(Word());
}

void Doorbell::Sleep(std::uint32_t seen, int microseconds) {
  sleepers_.fetch_add(1);
  WaitOnWord(Word(), seen, microseconds);
  sleepers_.fetch_sub(1);
}

}  // namespace mpibatch
