#include "mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "protected_ranges.h"

namespace mpibatch {
namespace {

constexpr const char* kStrayWrite =
    "mpibatch: this process is ended because it wrote into a shared buffer, which all who map it read. "
    "Change a copy "
    "of the values (values.slice()), and put that.";

// A mapping, which lives no longer than its buffer; empty when it was unmapped before.
struct Mapping {
  void* address;
  std::size_t sizeBytes;
};

// Ended mappings leave their addresses to others while their buffers wait for the collector, so the address
// of a buffer says which mapping it has only while it is listed here. Threads have this in common.
struct Mappings {
  std::mutex mutex;
  std::map<void*, Mapping*> byAddress;
};

Mappings& AllMappings() {
  // Never destroyed: buffers may end later than what is static.
  static auto* mappings = new Mappings();
  return *mappings;
}

void End(Mapping* mapping) {
  if (mapping->address == nullptr) return;
  Mappings& all = AllMappings();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.byAddress.erase(mapping->address);
  UnprotectRange(mapping->address);
  munmap(mapping->address, mapping->sizeBytes);
  mapping->address = nullptr;
}

}  // namespace

Napi::Value MapFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::int32_t descriptor = info[0].As<Napi::Number>();
  const auto sizeBytes = static_cast<std::size_t>(info[1].As<Napi::Number>().Int64Value());
  void* address = mmap(nullptr, sizeBytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) throw Napi::Error::New(env, std::string("mmap: ") + std::strerror(errno));
  ProtectRange(address, sizeBytes, kStrayWrite);
  auto* mapping = new Mapping{address, sizeBytes};
  {
    Mappings& all = AllMappings();
    const std::lock_guard<std::mutex> lock(all.mutex);
    all.byAddress[address] = mapping;
  }
  const auto release = [](Napi::Env /*env*/, void* /*address*/, Mapping* ended) {
    End(ended);
    delete ended;
  };
  return Napi::ArrayBuffer::New(env, address, sizeBytes, release, mapping);
}

void UnmapFile(const Napi::CallbackInfo& info) {
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  if (buffer.IsDetached()) return;
  Mapping* mapping = nullptr;
  {
    Mappings& all = AllMappings();
    const std::lock_guard<std::mutex> lock(all.mutex);
    const auto found = all.byAddress.find(buffer.Data());
    if (found == all.byAddress.end()) return;
    mapping = found->second;
  }
  // Only this thread has the buffer, so nobody ends the mapping meanwhile.
  buffer.Detach();
  End(mapping);
}

}  // namespace mpibatch
