// Read-only memory in which a stray write ends the process with a sentence, not with a bare SIGSEGV.
#pragma once

#include <cstddef>
#include <string>

namespace mpibatch {

// From now on, whoever writes there is told this sentence, and the process ends. From any thread. What
// handled SIGSEGV before goes on to do so: WebAssembly finds accesses out of bounds by it.
void ProtectRange(const void* address, std::size_t sizeBytes, const std::string& sentence);

// Ends that; before the memory is unmapped. From any thread.
void UnprotectRange(const void* address);

}  // namespace mpibatch
