#include "adopt_descriptor.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace mpibatch {
namespace {

// Their numbers are the same on all processors that Node runs on; older headers lack the names.
#ifdef SYS_pidfd_open
constexpr long kPidfdOpen = SYS_pidfd_open;
#else
constexpr long kPidfdOpen = 434;
#endif
#ifdef SYS_pidfd_getfd
constexpr long kPidfdGetfd = SYS_pidfd_getfd;
#else
constexpr long kPidfdGetfd = 438;
#endif

}  // namespace

int AdoptDescriptorOf(int pid, int descriptor) {
  const auto process = static_cast<int>(syscall(kPidfdOpen, pid, 0));
  if (process < 0) return -errno;
  const auto copy = static_cast<int>(syscall(kPidfdGetfd, process, descriptor, 0));
  const int fault = errno;
  close(process);
  return copy < 0 ? -fault : copy;
}

}  // namespace mpibatch
