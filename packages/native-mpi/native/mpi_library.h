// The MPI library as the MPI thread uses it: one interface, whatever library was found at run time.
//
// Every function must be called by the thread that called Initialize (MPI_THREAD_FUNNELED). A call that MPI
// reports as failed throws MpiFailure.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace mpibatch {

// What MPI said of a call that failed.
struct MpiFailure {
  std::string call;
  int errorClass;
  std::string text;
};

// A message that has arrived and is not received yet.
struct ProbedMessage {
  int source;
  int tag;
  int sizeBytes;
};

// A send or receive under way.
class Operation {
 public:
  virtual ~Operation() = default;
  // Whether it has ended (MPI_Test). Must not be called again after it has.
  virtual bool IsDone() = 0;
};

class MpiLibrary {
 public:
  virtual ~MpiLibrary() = default;

  // "openmpi", "mpich" or "standard".
  virtual const char* AbiName() const = 0;
  // MPI_Get_library_version; may be called before Initialize.
  virtual std::string Version() = 0;

  // MPI_Init_thread, a duplicate of MPI_COMM_WORLD for our messages, errors returned. Returns the thread
  // level's name.
  virtual std::string Initialize() = 0;
  virtual int Rank() const = 0;
  virtual int Size() const = 0;
  // For each rank the lowest rank with which it shares memory (MPI_Comm_split_type). Collective, blocks.
  virtual std::vector<int> FirstRankOfNodes() = 0;
  // Gives all ranks the texts of all, each cut to sizeBytes (MPI_Allgather). Collective, blocks.
  virtual std::vector<std::string> GatherTexts(const std::string& own, int sizeBytes) = 0;

  // MPI_Improbe: whether a message has arrived. It has to be received before the next probe.
  virtual bool Probe(ProbedMessage* found) = 0;
  // MPI_Imrecv of the message that was probed last.
  virtual std::unique_ptr<Operation> Receive(void* buffer, int sizeBytes) = 0;
  // MPI_Isend; the buffer must stay until the operation is done.
  virtual std::unique_ptr<Operation> Send(const void* buffer, int sizeBytes, int destination, int tag) = 0;
  // MPI_Ibarrier. Collective.
  virtual std::unique_ptr<Operation> Barrier() = 0;

  // MPI_Finalize. Collective, blocks; may never return where a library is broken.
  virtual void Finalize() = 0;
  // MPI_Abort.
  virtual void Abort(int exitCode) = 0;
};

// What OpenMpiLibrary found, or why it found nothing.
struct OpenedLibrary {
  std::unique_ptr<MpiLibrary> library;
  std::string path;
  // One line per name that was tried and failed; only without a library.
  std::string faults;
};

// Opens the first of the names (paths or sonames) that can be opened and is an MPI library.
OpenedLibrary OpenMpiLibrary(const std::vector<std::string>& names);

}  // namespace mpibatch
