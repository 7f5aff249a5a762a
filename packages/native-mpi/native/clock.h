#pragma once

#include <chrono>
#include <cstdint>

namespace mpibatch {

// Milliseconds by a clock that nobody sets.
inline std::int64_t NowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace mpibatch
