// What JavaScript sees of starting processes; no MPI is needed, and it works in any thread.
#pragma once

#include <napi.h>

namespace mpibatch {

// openSpawner(listener): { spawn, keepAlive }. The listener hears (pid, exitCode, signal) of each process
// that has ended.
Napi::Value OpenSpawner(const Napi::CallbackInfo& info);

}  // namespace mpibatch
