#include "doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace mpibatch {

void Doorbell::Ring() {
  rings_.fetch_add(1);
  if (sleepers_.load() == 0) return;
  syscall(SYS_futex, &rings_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void Doorbell::Sleep(std::uint32_t seen, int microseconds) {
  const timespec duration = {microseconds / 1000000, (microseconds % 1000000) * 1000L};
  sleepers_.fetch_add(1);
  syscall(SYS_futex, &rings_, FUTEX_WAIT, seen, &duration, nullptr, 0);
  sleepers_.fetch_sub(1);
}

}  // namespace mpibatch
