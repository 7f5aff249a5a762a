// A thread that starts processes and hears of their ends, for one that has other things to do: a start waits
// until the program runs, which is nearly half of what a short program takes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "process_reaper.h"
#include "process_spawner.h"

namespace mpibatch {

// A process that somebody wants.
struct StartRequest {
  // Names it in the answer.
  std::uint32_t id;
  ProcessStart start;
  // Nothing is started that has waited for longer, by the clock that goes on while the machine sleeps.
  std::int64_t waitMaxNs;
};

// What has come of a request.
struct StartAnswer {
  std::uint32_t id;
  // Its pidfd is not the receiver's.
  SpawnedProcess process;
  // From the request to the start.
  std::int64_t waitedNs;
};

class SpawnerThread {
 public:
  // `onNews` is called by other threads when Take has something. Throws std::system_error.
  explicit SpawnerThread(std::function<void()> onNews);
  // Forgets what was not started, and ends what was: the processes die with the thread. `onNews` is not
  // called any more after it.
  ~SpawnerThread();
  SpawnerThread(const SpawnerThread&) = delete;
  SpawnerThread& operator=(const SpawnerThread&) = delete;

  void Request(StartRequest request);

  struct News {
    std::vector<StartAnswer> answers;
    // The numbers of processes that have ended; they stay theirs until Collect.
    std::vector<pid_t> ended;
  };
  // What has happened since the last call. Who has ended is in the answers, of this call or an earlier one.
  News Take();
  ProcessEnd Collect(pid_t pid) { return reaper_.Collect(pid); }

 private:
  struct Waiting {
    StartRequest request;
    std::int64_t sinceNs;
  };

  void Run();
  StartAnswer Start(const Waiting& waiting);
  // Turns the answer into a fault if nobody would hear of the end.
  void Watch(StartAnswer& answer);

  std::function<void()> onNews_;
  ProcessSpawner spawner_;
  // Held while a process is handed to the reaper and its answer is laid down, so that no end comes before its
  // answer.
  std::mutex answersMutex_;
  std::vector<StartAnswer> answers_;
  std::mutex waitingMutex_;
  std::condition_variable wakeUp_;
  std::deque<Waiting> waiting_;
  bool isClosing_ = false;
  ProcessReaper reaper_;
  std::thread thread_;
};

}  // namespace mpibatch
