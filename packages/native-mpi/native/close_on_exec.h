#pragma once

namespace mpibatch {

// Keeps every descriptor that is open now from programs that this process starts. What is started with
// descriptors of its own gets those all the same.
void CloseOnExec();

}  // namespace mpibatch
