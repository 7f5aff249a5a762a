// What JavaScript sees of starting processes; no MPI is needed, and it works in any thread.
#pragma once

#include <napi.h>

namespace mpibatch {

// openSpawner(onStart, onEnd): { spawn, keepAlive }. The first hears (id, pid, startTime, waitedMs) of each
// process that was asked for, the second (pid, exitCode, signal, isGroupLeft) of each that has ended.
Napi::Value OpenSpawner(const Napi::CallbackInfo& info);

}  // namespace mpibatch
