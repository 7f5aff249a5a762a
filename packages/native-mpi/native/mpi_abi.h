// The three binary interfaces of MPI libraries: types of handles, values of constants, layout of a status.
//
// Sources: mpi.h of Open MPI 4 and 5, mpi.h of MPICH (MPICH ABI initiative: MPICH, Intel MPI, MVAPICH, Cray
// MPICH), and the standard ABI of MPI 5.0, chapter 20. Constants that are addresses in the library are looked
// up in it.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace mpibatch {

// Address of a name in a library. Throws std::runtime_error if it is not there.
inline void* AddressIn(void* library, const char* name) {
  void* address = dlsym(library, name);
  if (address == nullptr) throw std::runtime_error(std::string("it has no ") + name);
  return address;
}

struct OpenMpiAbi {
  static constexpr const char* kName = "openmpi";
  using Comm = struct OpenMpiComm*;
  using Datatype = struct OpenMpiDatatype*;
  using Op = struct OpenMpiOp*;
  using Request = struct OpenMpiRequest*;
  using Message = struct OpenMpiMessage*;
  using Errhandler = struct OpenMpiErrhandler*;
  using Info = struct OpenMpiInfo*;
  struct Status {
    int source;
    int tag;
    int error;
    int cancelled;
    std::size_t count;
  };
  static constexpr int kAnySource = -1;
  static constexpr int kAnyTag = -1;
  static constexpr int kCommTypeShared = 0;
  static constexpr int kThreadFunneled = 1;
  static constexpr int kThreadLevels[4] = {0, 1, 2, 3};

  explicit OpenMpiAbi(void* library)
      : commWorld(reinterpret_cast<Comm>(AddressIn(library, "ompi_mpi_comm_world"))),
        byte(reinterpret_cast<Datatype>(AddressIn(library, "ompi_mpi_byte"))),
        integer(reinterpret_cast<Datatype>(AddressIn(library, "ompi_mpi_int"))),
        minimum(reinterpret_cast<Op>(AddressIn(library, "ompi_mpi_op_min"))),
        errorsReturn(reinterpret_cast<Errhandler>(AddressIn(library, "ompi_mpi_errors_return"))),
        infoNull(reinterpret_cast<Info>(AddressIn(library, "ompi_mpi_info_null"))) {}
  Comm commWorld;
  Datatype byte;
  Datatype integer;
  Op minimum;
  Errhandler errorsReturn;
  Info infoNull;
};

struct MpichAbi {
  static constexpr const char* kName = "mpich";
  using Comm = int;
  using Datatype = int;
  using Op = int;
  using Request = int;
  using Message = int;
  using Errhandler = int;
  using Info = int;
  struct Status {
    int countLow;
    int countHighAndCancelled;
    int source;
    int tag;
    int error;
  };
  static constexpr int kAnySource = -2;
  static constexpr int kAnyTag = -1;
  static constexpr int kCommTypeShared = 1;
  static constexpr int kThreadFunneled = 1;
  static constexpr int kThreadLevels[4] = {0, 1, 2, 3};

  explicit MpichAbi(void* /*library*/) {}
  static constexpr Comm commWorld = 0x44000000;
  static constexpr Datatype byte = 0x4c00010d;
  static constexpr Datatype integer = 0x4c000405;
  static constexpr Op minimum = 0x58000002;
  static constexpr Errhandler errorsReturn = 0x54000001;
  static constexpr Info infoNull = 0x1c000000;
};

struct StandardAbi {
  static constexpr const char* kName = "standard";
  using Comm = struct StandardComm*;
  using Datatype = struct StandardDatatype*;
  using Op = struct StandardOp*;
  using Request = struct StandardRequest*;
  using Message = struct StandardMessage*;
  using Errhandler = struct StandardErrhandler*;
  using Info = struct StandardInfo*;
  struct Status {
    int source;
    int tag;
    int error;
    int internal[5];
  };
  static constexpr int kAnySource = -1;
  static constexpr int kAnyTag = -2;
  static constexpr int kCommTypeShared = 221;
  static constexpr int kThreadFunneled = 1024;
  static constexpr int kThreadLevels[4] = {0, 1024, 2048, 4096};

  explicit StandardAbi(void* /*library*/) {}
  // The standard itself defines handles as pointers with these values.
  Comm commWorld = reinterpret_cast<Comm>(std::uintptr_t{0x101});
  Datatype byte = reinterpret_cast<Datatype>(std::uintptr_t{0x247});
  Datatype integer = reinterpret_cast<Datatype>(std::uintptr_t{0x209});
  Op minimum = reinterpret_cast<Op>(std::uintptr_t{0x22});
  Errhandler errorsReturn = reinterpret_cast<Errhandler>(std::uintptr_t{0x143});
  Info infoNull = reinterpret_cast<Info>(std::uintptr_t{0x130});
};

}  // namespace mpibatch
