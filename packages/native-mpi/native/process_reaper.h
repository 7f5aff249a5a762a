// Finds out when processes that this one has started end. A thread waits for all of them; what it finds is
// collected by the thread that signals them, since until then nobody else can have their numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "process_spawner.h"

namespace mpibatch {

// How a process ended; one of the two is 0, or below 0 if nobody knows.
struct ProcessEnd {
  int exitCode;
  int signal;
  // Whether others of its process group are left. If not, none can come: the number is free.
  bool isGroupLeft;
};

class ProcessReaper {
 public:
  // `onEnds` is called by another thread when TakeEnded has something. Throws std::system_error.
  explicit ProcessReaper(std::function<void()> onEnds);
  // `onEnds` is not called any more after it.
  ~ProcessReaper();
  ProcessReaper(const ProcessReaper&) = delete;
  ProcessReaper& operator=(const ProcessReaper&) = delete;

  // Waits for a process, whose pidfd it owns from then on. Throws std::system_error; the process is not
  // watched then. Another thread may collect meanwhile.
  void Watch(const SpawnedProcess& process);
  // Those that have ended since the last call. Their numbers stay theirs until Collect.
  std::vector<pid_t> TakeEnded();
  ProcessEnd Collect(pid_t pid);

 private:
  // What other threads have found out; those that wait for one process may outlive the reaper.
  struct Ended {
    std::mutex mutex;
    std::vector<pid_t> pids;
    std::function<void()> onEnds;

    void Add(const std::vector<pid_t>& found);
  };

  void Run();
  bool WatchDescriptor(const SpawnedProcess& process);

  std::shared_ptr<Ended> ended_ = std::make_shared<Ended>();
  std::mutex descriptorsMutex_;
  std::map<pid_t, int> descriptors_;
  // Descriptors from here on are left to others: the state files need some too.
  int descriptorMax_;
  int epoll_;
  int stop_;
  std::thread thread_;
};

}  // namespace mpibatch
