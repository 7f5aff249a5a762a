// Starts programs without copying this process: a child that borrows its memory until the program runs
// (vfork), so that a start costs the same however much memory there is.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mpibatch {

// Blocks all signals of the calling thread, and of threads that it starts meanwhile.
class BlockedSignals {
 public:
  BlockedSignals();
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

struct ProcessStart {
  // What is executed, seen from `directory`; nothing is searched for.
  std::string file;
  std::string directory;
  // The words and the variables, each with a NUL behind it.
  std::string words;
  std::string environment;
  // Descriptors that become standard output and error; below 0: nowhere.
  int output = -1;
  int errors = -1;
  // Where the number of the process is written before its program runs, and 0 if that can't be; null:
  // nowhere.
  std::int32_t* group = nullptr;
};

struct SpawnedProcess {
  // Below 0 if nothing was started: the number of the fault.
  pid_t pid = -1;
  // Becomes readable when the process ends; -1 where the system has none to give.
  int pidfd = -1;
  // When it started, in clock ticks since boot as /proc/PID/stat has it; below 0 if only that can tell.
  std::int64_t startTime = -1;
};

// Waits for a process that is about to end, and forgets how it did.
void WaitForEnd(pid_t pid);

class ProcessSpawner {
 public:
  // Throws std::system_error.
  ProcessSpawner();
  ~ProcessSpawner();
  ProcessSpawner(const ProcessSpawner&) = delete;
  ProcessSpawner& operator=(const ProcessSpawner&) = delete;

  // Starts a process that leads a session of its own, reads /dev/null, has none of our other descriptors, no
  // blocked and no ignored signal, and is killed when the calling thread ends. Comes back when the program
  // runs, or could not be started; the caller waits for it (waitid).
  SpawnedProcess Spawn(const ProcessStart& start);

 private:
  // Of the child until its program runs.
  void* stack_;
};

}  // namespace mpibatch
