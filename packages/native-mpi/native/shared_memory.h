// Memory that the processes of a node share: anonymous files (memfd_create), so that nothing is left behind
// however the processes end, and every byte is zero at first. Other processes of the same user open them
// through /proc.
#pragma once

#include <cstddef>
#include <string>

namespace mpibatch {

class SharedMemory {
 public:
  // Makes zeroed memory. Throws std::system_error.
  static SharedMemory Allocate(std::size_t sizeBytes);
  // Maps what another process of this node has made. Throws std::system_error where it can't be reached.
  static SharedMemory Map(const std::string& path, std::size_t sizeBytes);

  // The same pages once more, at another address, where a write ends the process with this sentence. Throws
  // std::system_error.
  SharedMemory MapReadOnly(const std::string& sentence) const;

  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  // Unmaps it; who else has it mapped keeps it.
  ~SharedMemory();

  // Nobody maps it from here any more; each file that stays open would count towards the limit of the
  // process.
  void CloseFile();

  void* address() const { return address_; }
  std::size_t sizeBytes() const { return sizeBytes_; }
  // Where other processes open it, and behind "#" the number of the file, by which they know that it is the
  // one; empty if it was mapped here.
  const std::string& path() const { return path_; }

 private:
  SharedMemory(int descriptor, std::size_t sizeBytes);
  void Release();

  void* address_ = nullptr;
  std::size_t sizeBytes_ = 0;
  // -1 if there is none any more.
  int descriptor_ = -1;
  bool isProtected_ = false;
  std::string path_;
};

}  // namespace mpibatch
