#include <dlfcn.h>

#include <stdexcept>

#include "library_of.h"
#include "mpi_library.h"

namespace mpibatch {
namespace {

// Tells by its names which ABI a library has. Throws std::runtime_error if it is no MPI library.
std::unique_ptr<MpiLibrary> AttachTo(void* library) {
  // MPICH and Open MPI may export the query beside their own ABI; only what a library of the standard ABI is
  // called, or lacks, tells: it has no symbol of Open MPI, and its communicators are not MPICH's.
  if (dlsym(library, "ompi_mpi_comm_world") != nullptr)
    return std::make_unique<LibraryOf<OpenMpiAbi>>(library);
  Dl_info info{};
  const std::string path =
      dladdr(AddressIn(library, "MPI_Init_thread"), &info) != 0 && info.dli_fname != nullptr ? info.dli_fname
                                                                                             : "";
  if (path.find("libmpi_abi") != std::string::npos) return std::make_unique<LibraryOf<StandardAbi>>(library);
  return std::make_unique<LibraryOf<MpichAbi>>(library);
}

}  // namespace

OpenedLibrary OpenMpiLibrary(const std::vector<std::string>& names) {
  OpenedLibrary opened;
  for (const std::string& name : names) {
    // Local: its plugins find what they need themselves, and nothing of it hides names of ours.
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* reason = dlerror();
      opened.faults += std::string(reason == nullptr ? name : reason) + "\n";
      continue;
    }
    try {
      opened.library = AttachTo(library);
      Dl_info info{};
      const bool isKnown =
          dladdr(AddressIn(library, "MPI_Init_thread"), &info) != 0 && info.dli_fname != nullptr;
      opened.path = isKnown ? info.dli_fname : name;
      return opened;
    } catch (const std::runtime_error& error) {
      opened.faults += name + ": " + error.what() + "\n";
      dlclose(library);
    }
  }
  return opened;
}

}  // namespace mpibatch
