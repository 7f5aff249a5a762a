#include "protected_ranges.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <set>

namespace mpibatch {
namespace {

// A range is there while `end` is not 0.
struct Slot {
  std::atomic<std::uintptr_t> start{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<const char*> sentence{nullptr};
};

// Blocks are never freed: the handler, which can't lock anything, may be reading one.
struct Block {
  std::array<Slot, 64> slots;
  std::atomic<Block*> next{nullptr};
};

Block first;
// Guards who writes to the blocks, and what is below.
std::mutex& Writing() {
  static auto* mutex = new std::mutex();
  return *mutex;
}
struct sigaction before;

const char* FindSentence(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  for (const Block* block = &first; block != nullptr; block = block->next.load(std::memory_order_acquire)) {
    for (const Slot& slot : block->slots) {
      const std::uintptr_t end = slot.end.load(std::memory_order_acquire);
      if (wanted < end && wanted >= slot.start.load()) return slot.sentence.load();
    }
  }
  return nullptr;
}

// int sigaction(int, const struct sigaction*, struct sigaction*): only calls that are safe in a handler.
void OnFault(int number, siginfo_t* info, void* context) {
  const int reason = errno;
  const char* sentence = info->si_code == SEGV_ACCERR ? FindSentence(info->si_addr) : nullptr;
  if (sentence != nullptr && write(STDERR_FILENO, sentence, std::strlen(sentence)) < 0) {
    // Nobody listens.
  }
  errno = reason;
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
    // The access is tried again on return, and ends the process as if nobody had looked.
    signal(number, SIG_DFL);
  } else {
    before.sa_handler(number);
  }
}

void InstallOnce() {
  static bool isInstalled = false;
  if (isInstalled) return;
  isInstalled = true;
  sigaction(SIGSEGV, nullptr, &before);
  // Its mask and its stack, so that it finds what it is used to.
  struct sigaction action = before;
  action.sa_sigaction = OnFault;
  action.sa_flags |= SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

Slot& FreeSlot() {
  for (Block* block = &first;; block = block->next.load()) {
    for (Slot& slot : block->slots) {
      if (slot.end.load() == 0) return slot;
    }
    if (block->next.load() == nullptr) block->next.store(new Block(), std::memory_order_release);
  }
}

}  // namespace

void ProtectRange(const void* address, std::size_t sizeBytes, const std::string& sentence) {
  // Few different ones; kept for ever, as the handler may be reading one.
  static auto* sentences = new std::set<std::string>();
  const std::lock_guard<std::mutex> lock(Writing());
  InstallOnce();
  Slot& slot = FreeSlot();
  slot.sentence.store(sentences->insert(sentence + "\n").first->c_str());
  const auto start = reinterpret_cast<std::uintptr_t>(address);
  slot.start.store(start);
  slot.end.store(start + sizeBytes, std::memory_order_release);
}

void UnprotectRange(const void* address) {
  const std::lock_guard<std::mutex> lock(Writing());
  for (Block* block = &first; block != nullptr; block = block->next.load()) {
    for (Slot& slot : block->slots) {
      if (slot.end.load() == 0 || slot.start.load() != reinterpret_cast<std::uintptr_t>(address)) continue;
      slot.end.store(0, std::memory_order_release);
      return;
    }
  }
}

}  // namespace mpibatch
