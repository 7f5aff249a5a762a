#include <dlfcn.h>

#include <stdexcept>

#include "library_of.h"
#include "mpi_library.h"

namespace mpibatch {
namespace {

// The file in which a library's functions lie. Throws std::runtime_error if it is no MPI library.
std::string FileOf(void* library, const std::string& name) {
  Dl_info info{};
  const bool isKnown = dladdr(AddressIn(library, "MPI_Init_thread"), &info) != 0 && info.dli_fname != nullptr;
  return isKnown ? info.dli_fname : name;
}

// Tells by its names which ABI a library has. Throws std::runtime_error if it lacks a function.
std::unique_ptr<MpiLibrary> AttachTo(void* library, const std::string& file) {
  // Libraries of all kinds may export the query of the standard ABI, and one of the standard ABI may stand on
  // another that has Open MPI's symbols, which would be found here as its own. So the file's name comes
  // first.
  const bool isStandard = file.find("libmpi_abi", file.rfind('/') + 1) != std::string::npos;
  if (isStandard) return std::make_unique<LibraryOf<StandardAbi>>(library);
  if (dlsym(library, "ompi_mpi_comm_world") != nullptr) {
    return std::make_unique<LibraryOf<OpenMpiAbi>>(library);
  }
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
      opened.path = FileOf(library, name);
      opened.library = AttachTo(library, opened.path);
      return opened;
    } catch (const std::runtime_error& error) {
      opened.faults += name + ": " + error.what() + "\n";
      dlclose(library);
    }
  }
  return opened;
}

}  // namespace mpibatch
