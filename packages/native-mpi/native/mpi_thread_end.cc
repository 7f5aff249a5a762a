// The end of MPI, at the end of the process.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
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
constexpr int kGoodbyeMs = 1000;

// The number that an environment variable holds, or -1.
int NumberOf(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? -1 : std::atoi(text);
}

// Tells MPICH's launcher, as MPI_Finalize would, that this rank has come to its end (PMI 1); else it takes
// the end of the first for a failure, and kills the others, and with them what may stand between it and a
// rank, as npx does. Only hydra is spoken to, which sets the first variable. Returns whether it has
// understood.
bool SayGoodbye() {
  const int launcher = NumberOf("PMI_FD");
  if (std::getenv("MPI_LOCALNRANKS") == nullptr || launcher < 0) return false;
  const std::string text = "cmd=finalize\n";
  if (send(launcher, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    return false;
  }
  pollfd waited{launcher, POLLIN, 0};
  char answer[64] = {};
  if (poll(&waited, 1, kGoodbyeMs) <= 0 || read(launcher, answer, sizeof(answer) - 1) <= 0) return false;
  return std::strstr(answer, "finalize_ack") != nullptr;
}

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
    usleep(kWordsMs * 1000);
    mpi_->Abort(kExitFailed);
    _exit(kExitFailed);
  }
  const bool isBroken = facts_.abi != "openmpi" && facts_.NodeCount() > 1;
  if (isBroken) {
    // With that said, rank 0 goes last: the launcher ends the others when it has a code that is not 0. Else
    // it goes first: the launcher takes the code of the first that ends and ends the others.
    const bool goesFirst = (facts_.rank == 0) != SayGoodbye();
    const std::int64_t endMs = NowMs() + (goesFirst ? kSettleMs : 3 * kSettleMs);
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
