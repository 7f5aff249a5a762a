// Numbers of system calls: the same on all processors that Node runs on. Older headers lack the names.
#pragma once

#include <sys/syscall.h>

namespace mpibatch {

#ifdef SYS_pidfd_open
constexpr long kPidfdOpen = SYS_pidfd_open;
#else
constexpr long kPidfdOpen = 434;
#endif
#ifdef SYS_close_range
constexpr long kCloseRange = SYS_close_range;
#else
constexpr long kCloseRange = 436;
#endif
// CLOSE_RANGE_CLOEXEC: marks the descriptors to be closed by exec instead.
constexpr unsigned kCloseRangeCloexec = 4;
#ifdef SYS_pidfd_getfd
constexpr long kPidfdGetfd = SYS_pidfd_getfd;
#else
constexpr long kPidfdGetfd = 438;
#endif

}  // namespace mpibatch
