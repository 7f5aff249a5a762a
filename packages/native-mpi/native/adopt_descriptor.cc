#include "adopt_descriptor.h"

#include <unistd.h>

#include <cerrno>

#include "system_calls.h"

namespace mpibatch {

int AdoptDescriptorOf(int pid, int descriptor) {
  const auto process = static_cast<int>(syscall(kPidfdOpen, pid, 0));
  if (process < 0) return -errno;
  const auto copy = static_cast<int>(syscall(kPidfdGetfd, process, descriptor, 0));
  const int fault = errno;
  close(process);
  return copy < 0 ? -fault : copy;
}

}  // namespace mpibatch
