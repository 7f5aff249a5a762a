#include "shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace mpibatch {
namespace {

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// An empty file can't be mapped.
std::size_t MappedSize(std::size_t sizeBytes) { return sizeBytes == 0 ? 1 : sizeBytes; }

}  // namespace

SharedMemory::SharedMemory(int descriptor, std::size_t sizeBytes)
    : sizeBytes_(sizeBytes), descriptor_(descriptor) {
  void* address = mmap(nullptr, MappedSize(sizeBytes), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) {
    const int reason = errno;
    close(descriptor);
    errno = reason;
    ThrowErrno("mmap of " + std::to_string(sizeBytes) + " bytes");
  }
  address_ = address;
}

SharedMemory SharedMemory::Allocate(std::size_t sizeBytes) {
  const int descriptor = memfd_create("mpibatch", MFD_CLOEXEC);
  if (descriptor < 0) ThrowErrno("memfd_create");
  if (ftruncate(descriptor, static_cast<off_t>(MappedSize(sizeBytes))) != 0) {
    const int reason = errno;
    close(descriptor);
    errno = reason;
    ThrowErrno("ftruncate to " + std::to_string(sizeBytes) + " bytes");
  }
  SharedMemory memory(descriptor, sizeBytes);
  memory.path_ = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor);
  return memory;
}

SharedMemory SharedMemory::Map(const std::string& path, std::size_t sizeBytes) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) ThrowErrno("open of " + path);
  return SharedMemory(descriptor, sizeBytes);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept { *this = std::move(other); }

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  if (this == &other) return *this;
  Release();
  address_ = std::exchange(other.address_, nullptr);
  sizeBytes_ = std::exchange(other.sizeBytes_, 0);
  descriptor_ = std::exchange(other.descriptor_, -1);
  path_ = std::move(other.path_);
  return *this;
}

SharedMemory::~SharedMemory() { Release(); }

void SharedMemory::Release() {
  if (address_ == nullptr) return;
  munmap(address_, MappedSize(sizeBytes_));
  close(descriptor_);
  address_ = nullptr;
}

}  // namespace mpibatch
