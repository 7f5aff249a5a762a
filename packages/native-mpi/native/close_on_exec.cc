#include "close_on_exec.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "system_calls.h"

namespace mpibatch {

void CloseOnExec() {
  if (syscall(kCloseRange, 3U, ~0U, kCloseRangeCloexec) == 0) return;
  // Linux before 5.11.
  const auto count = static_cast<int>(std::min(sysconf(_SC_OPEN_MAX), 65536L));
  for (int descriptor = 3; descriptor < count; descriptor += 1) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

}  // namespace mpibatch
