// Files that JavaScript reads without copying them: read-only mappings, shared by all processes and threads
// that map the same file. Unlike MPI, this works in every thread.
#pragma once

#include <napi.h>

namespace mpibatch {

// mapFile(descriptor, sizeBytes): buffer. The descriptor may be closed then.
Napi::Value MapFile(const Napi::CallbackInfo& info);

// unmapFile(buffer): its length is 0 from then on.
void UnmapFile(const Napi::CallbackInfo& info);

}  // namespace mpibatch
