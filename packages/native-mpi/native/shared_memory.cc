#include "shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "protected_ranges.h"

namespace mpibatch {
namespace {

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// An empty file can't be mapped.
std::size_t MappedSize(std::size_t sizeBytes) { return sizeBytes == 0 ? 1 : sizeBytes; }

// Tells files of one kernel apart.
std::string FileNumber(int descriptor) {
  struct stat facts {};
  if (fstat(descriptor, &facts) != 0) return "";
  return std::to_string(facts.st_dev) + "." + std::to_string(facts.st_ino);
}

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
  memory.path_ = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor) + "#" +
                 FileNumber(descriptor);
  return memory;
}

SharedMemory SharedMemory::Map(const std::string& path, std::size_t sizeBytes) {
  const std::size_t mark = path.rfind('#');
  const int descriptor = open(path.substr(0, mark).c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) ThrowErrno("open of " + path);
  // Where processes have numbers of their own, as in containers, the path may lead to something else.
  if (mark == std::string::npos || path.substr(mark + 1) != FileNumber(descriptor)) {
    close(descriptor);
    errno = ESTALE;
    ThrowErrno("open of " + path);
  }
  return SharedMemory(descriptor, sizeBytes);
}

SharedMemory SharedMemory::MapReadOnly(const std::string& sentence) const {
  SharedMemory memory;
  void* address = mmap(nullptr, MappedSize(sizeBytes_), PROT_READ, MAP_SHARED, descriptor_, 0);
  if (address == MAP_FAILED) ThrowErrno("mmap of " + std::to_string(sizeBytes_) + " bytes to read");
  memory.address_ = address;
  memory.sizeBytes_ = sizeBytes_;
  memory.isProtected_ = true;
  ProtectRange(address, MappedSize(sizeBytes_), sentence);
  return memory;
}

void SharedMemory::CloseFile() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept { *this = std::move(other); }

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  if (this == &other) return *this;
  Release();
  address_ = std::exchange(other.address_, nullptr);
  sizeBytes_ = std::exchange(other.sizeBytes_, 0);
  descriptor_ = std::exchange(other.descriptor_, -1);
  isProtected_ = std::exchange(other.isProtected_, false);
  path_ = std::move(other.path_);
  return *this;
}

SharedMemory::~SharedMemory() { Release(); }

void SharedMemory::Release() {
  if (address_ == nullptr) return;
  if (isProtected_) UnprotectRange(address_);
  munmap(address_, MappedSize(sizeBytes_));
  CloseFile();
  address_ = nullptr;
}

}  // namespace mpibatch
