// The functions that we call, with the types of one ABI.
#pragma once

#include "mpi_abi.h"

namespace mpibatch {

template <class Abi>
struct MpiFunctions {
  using Comm = typename Abi::Comm;
  using Datatype = typename Abi::Datatype;
  using Request = typename Abi::Request;
  using Message = typename Abi::Message;
  using Status = typename Abi::Status;

  // Looks all of them up. Throws std::runtime_error naming one that is not there.
  explicit MpiFunctions(void* library) {
    Find(library, "MPI_Init_thread", &initThread);
    Find(library, "MPI_Finalize", &finalize);
    Find(library, "MPI_Abort", &abort);
    Find(library, "MPI_Get_library_version", &getLibraryVersion);
    Find(library, "MPI_Error_class", &errorClass);
    Find(library, "MPI_Error_string", &errorString);
    Find(library, "MPI_Comm_set_errhandler", &commSetErrhandler);
    Find(library, "MPI_Comm_dup", &commDup);
    Find(library, "MPI_Comm_free", &commFree);
    Find(library, "MPI_Comm_rank", &commRank);
    Find(library, "MPI_Comm_size", &commSize);
    Find(library, "MPI_Comm_split_type", &commSplitType);
    Find(library, "MPI_Allreduce", &allreduce);
    Find(library, "MPI_Allgather", &allgather);
    Find(library, "MPI_Ibarrier", &ibarrier);
    Find(library, "MPI_Improbe", &improbe);
    Find(library, "MPI_Imrecv", &imrecv);
    Find(library, "MPI_Isend", &isend);
    Find(library, "MPI_Test", &test);
    Find(library, "MPI_Get_count", &getCount);
  }

  int (*initThread)(int*, char***, int, int*);
  int (*finalize)();
  int (*abort)(Comm, int);
  int (*getLibraryVersion)(char*, int*);
  int (*errorClass)(int, int*);
  int (*errorString)(int, char*, int*);
  int (*commSetErrhandler)(Comm, typename Abi::Errhandler);
  int (*commDup)(Comm, Comm*);
  int (*commFree)(Comm*);
  int (*commRank)(Comm, int*);
  int (*commSize)(Comm, int*);
  int (*commSplitType)(Comm, int, int, typename Abi::Info, Comm*);
  int (*allreduce)(const void*, void*, int, Datatype, typename Abi::Op, Comm);
  int (*allgather)(const void*, int, Datatype, void*, int, Datatype, Comm);
  int (*ibarrier)(Comm, Request*);
  int (*improbe)(int, int, Comm, int*, Message*, Status*);
  int (*imrecv)(void*, int, Datatype, Message*, Request*);
  int (*isend)(const void*, int, Datatype, int, int, Comm, Request*);
  int (*test)(Request*, int*, Status*);
  int (*getCount)(const Status*, Datatype, int*);

 private:
  template <class Function>
  static void Find(void* library, const char* name, Function* function) {
    *function = reinterpret_cast<Function>(AddressIn(library, name));
  }
};

}  // namespace mpibatch
