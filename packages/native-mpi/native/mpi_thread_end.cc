// The end of MPI, at the end of the process.
#include <unistd.h>

#include <string>
#include <thread>

#include "clock.h"
#include "mpi_thread.h"

namespace mpibatch {
namespace {

// How long a rank that ends waits for the others to come to their end.
constexpr int kMeetMs = 5000;
// MPICH 4.0 hangs in MPI_Finalize between nodes in about half of all runs; ranks that have met may simply
// end.
constexpr int kSettleMs = 300;
constexpr int kFinalizeMs = 5000;
constexpr int kLookMicroseconds = 1000;
constexpr int kExitFailed = 1;

}  // namespace

bool MpiThread::MeetNow() {
  if (hasMet_) return true;
  if (barrier_ == nullptr) barrier_ = mpi_->Barrier();
  const std::int64_t endMs = NowMs() + kMeetMs;
  while (!hasMet_ && NowMs() < endMs) {
    ProbeMessages();
    TestOperations();
    usleep(kLookMicroseconds);
  }
  return hasMet_;
}

void MpiThread::FinalizeMpi(int exitCode) {
  if (!MeetNow()) {
    const std::string text = "mpibatch: rank " + std::to_string(facts_.rank) +
                             ": This rank ended before the job was over, so the others are ended too.\n";
    static_cast<void>(!write(STDERR_FILENO, text.data(), text.size()));
    mpi_->Abort(kExitFailed);
    _exit(kExitFailed);
  }
  const bool isBroken = facts_.abi != "openmpi" && facts_.NodeCount() > 1;
  if (isBroken) {
    // Rank 0 goes first: the launcher takes the code of the first that ends and ends the others.
    const std::int64_t endMs = NowMs() + (facts_.rank == 0 ? kSettleMs : 3 * kSettleMs);
    while (NowMs() < endMs) {
      ProbeMessages();
      TestOperations();
      usleep(kLookMicroseconds);
    }
    _exit(exitCode);
  }
  std::thread([exitCode] {
    usleep(kFinalizeMs * 1000);
    _exit(exitCode);
  }).detach();
  mpi_->Finalize();
}

}  // namespace mpibatch
