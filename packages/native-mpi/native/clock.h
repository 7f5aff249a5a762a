#pragma once

#include <chrono>
#include <cstdint>

namespace mpibatch {

// Time by a clock that nobody sets.
inline std::int64_t NowMicroseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}
inline std::int64_t NowMs() { return NowMicroseconds() / 1000; }

}  // namespace mpibatch
