// The windows of this rank on which ranks of other nodes operate. The MPI thread answers; JavaScript may work
// on the same words with Atomics, since both use the processor's own instructions.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "wire.h"

namespace mpibatch {

class ServedWindows {
 public:
  // Begins to serve words. Returns the window's number.
  std::uint32_t Add(std::int32_t* words, std::size_t length);
  // Ends that; nothing touches the words when it has returned.
  void Remove(std::uint32_t window);
  // Does what a request asks for and makes the answer. `words` is what came behind the request.
  Bytes Answer(const WindowRequest& request, const std::int32_t* words, std::size_t wordCount);

 private:
  struct Served {
    std::int32_t* words;
    std::size_t length;
  };
  std::mutex mutex_;
  std::map<std::uint32_t, Served> windows_;
  std::uint32_t nextWindow_ = 1;
};

}  // namespace mpibatch
