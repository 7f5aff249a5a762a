// Descriptors of other processes.
#ifndef MPIBATCH_ADOPT_DESCRIPTOR_H_
#define MPIBATCH_ADOPT_DESCRIPTOR_H_

namespace mpibatch {

// A descriptor of this process for what another process of this user has open, closed on exec. Minus errno
// where the kernel (before Linux 5.6) or its security settings don't allow it.
int AdoptDescriptorOf(int pid, int descriptor);

}  // namespace mpibatch

#endif  // MPIBATCH_ADOPT_DESCRIPTOR_H_
