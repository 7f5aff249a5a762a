#include "served_windows.h"

#include <cstring>

namespace mpibatch {
namespace {

constexpr int kOrder = __ATOMIC_SEQ_CST;

std::int32_t OperateOnWord(const WindowRequest& request, std::int32_t* word) {
  switch (request.operation) {
    case WindowOperation::kStore:
      __atomic_store_n(word, request.value, kOrder);
      return 0;
    case WindowOperation::kFetchAdd:
      return __atomic_fetch_add(word, request.value, kOrder);
    case WindowOperation::kExchange:
      return __atomic_exchange_n(word, request.value, kOrder);
    case WindowOperation::kCompareExchange: {
      std::int32_t before = request.expected;
      __atomic_compare_exchange_n(word, &before, request.value, false, kOrder, kOrder);
      return before;
    }
    default:
      return __atomic_load_n(word, kOrder);
  }
}

bool IsBlock(WindowOperation operation) { return operation >= WindowOperation::kRead; }
bool BringsWords(WindowOperation operation) { return operation >= WindowOperation::kWrite; }

Bytes MakeReply(const WindowReply& reply, std::size_t wordCount) {
  Bytes bytes = Bytes::Allocate(sizeof(WindowReply) + wordCount * sizeof(std::int32_t));
  std::memcpy(bytes.data.get(), &reply, sizeof(WindowReply));
  return bytes;
}

}  // namespace

std::uint32_t ServedWindows::Add(std::int32_t* words, std::size_t length) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const std::uint32_t window = nextWindow_++;
  windows_[window] = Served{words, length};
  return window;
}

void ServedWindows::Remove(std::uint32_t window) {
  const std::lock_guard<std::mutex> guard(mutex_);
  windows_.erase(window);
}

Bytes ServedWindows::Answer(const WindowRequest& request, const std::int32_t* words, std::size_t wordCount) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto found = windows_.find(request.window);
  const std::size_t count = IsBlock(request.operation) ? request.count : 1;
  const bool isThere = found != windows_.end() && request.index <= found->second.length &&
                       count <= found->second.length - request.index &&
                       (!BringsWords(request.operation) || wordCount == count);
  if (!isThere) return MakeReply(WindowReply{request.id, 0, 1}, 0);
  std::int32_t* first = found->second.words + request.index;
  if (!IsBlock(request.operation)) {
    return MakeReply(WindowReply{request.id, OperateOnWord(request, first), 0}, 0);
  }
  Bytes reply =
      MakeReply(WindowReply{request.id, 0, 0}, request.operation == WindowOperation::kRead ? count : 0);
  auto* out = reinterpret_cast<std::int32_t*>(reply.data.get() + sizeof(WindowReply));
  for (std::size_t offset = 0; offset < count; offset += 1) {
    switch (request.operation) {
      case WindowOperation::kRead:
        out[offset] = __atomic_load_n(first + offset, kOrder);
        break;
      case WindowOperation::kWrite:
        __atomic_store_n(first + offset, words[offset], kOrder);
        break;
      default:
        __atomic_fetch_add(first + offset, words[offset], kOrder);
        break;
    }
  }
  return reply;
}

}  // namespace mpibatch
