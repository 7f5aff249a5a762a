// What ranks send each other beside the messages of JavaScript.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace mpibatch {

// Tags of our communicator. A message for JavaScript; a part of a message of any kind, whose last part says
// the kind.
constexpr int kTagMessage = 1;
constexpr int kTagPart = 2;
constexpr int kTagRequest = 3;
constexpr int kTagReply = 4;
constexpr int kTagHeartbeat = 5;

// MPI counts in int, so longer messages go in parts. Much shorter ones than it could count: so tests can
// afford them.
constexpr std::size_t kPartSizeBytes = std::size_t{1} << 26;

// Memory that goes to JavaScript without a copy, which frees it.
struct FreeBytes {
  void operator()(std::uint8_t* bytes) const { std::free(bytes); }
};

struct Bytes {
  std::unique_ptr<std::uint8_t, FreeBytes> data{};
  std::size_t sizeBytes = 0;

  static Bytes Allocate(std::size_t sizeBytes) {
    Bytes bytes;
    bytes.data.reset(static_cast<std::uint8_t*>(std::malloc(sizeBytes == 0 ? 1 : sizeBytes)));
    if (bytes.data == nullptr) throw std::bad_alloc();
    bytes.sizeBytes = sizeBytes;
    return bytes;
  }
};

enum class WindowOperation : std::uint32_t {
  kLoad = 0,
  kStore = 1,
  kFetchAdd = 2,
  kExchange = 3,
  kCompareExchange = 4,
  kRead = 5,
  kWrite = 6,
  kAccumulate = 7,
};

// An operation on a window of another rank. kWrite and kAccumulate have `count` Int32 words behind it.
struct WindowRequest {
  std::uint64_t id;
  std::uint64_t index;
  std::uint32_t window;
  WindowOperation operation;
  std::int32_t value;
  std::int32_t expected;
  std::uint32_t count;
  std::uint32_t unused;
};
static_assert(sizeof(WindowRequest) == 40, "as it is sent");

// Its answer. kRead has its words behind it.
struct WindowReply {
  std::uint64_t id;
  // The word before the operation.
  std::int32_t value;
  // 0, or 1: the owner has no such words.
  std::uint32_t fault;
};
static_assert(sizeof(WindowReply) == 16, "as it is sent");

}  // namespace mpibatch
