// The one thread that owns MPI: it starts it, makes every call, moves messages while JavaScript computes,
// answers operations on windows, and ends it.
//
// Other threads hand it commands and take what came of them as events. Messages of one sender reach the
// events in the order in which they were sent.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "doorbell.h"
#include "mpi_library.h"
#include "served_windows.h"
#include "shared_memory.h"
#include "silence_watch.h"
#include "wire.h"

namespace mpibatch {

// How long the launcher gets to hand on what a rank has said before it aborts the job; MPICH's drops the
// rest.
constexpr int kWordsMs = 100;

struct MpiThreadOptions {
  // Names of libraries, tried in this order.
  std::vector<std::string> libraries;
  // How long a node may be silent; 0: for ever.
  int silenceMs = 0;
  // Word before the line that tells a supervisor of a silent host; empty: none listens.
  std::string token;
};

// What is known of the job when MPI has started.
struct JobFacts {
  std::string path;
  std::string version;
  std::string abi;
  std::string threadLevel;
  int rank = 0;
  int size = 0;
  // For each rank the lowest rank of its node, and the name of its host.
  std::vector<int> nodes;
  std::vector<std::string> hosts;

  int NodeCount() const { return static_cast<int>(std::set<int>(nodes.begin(), nodes.end()).size()); }
};

struct Event {
  enum class Kind { kStarted, kMessage, kReply, kMet, kFailed };
  Kind kind;
  int source = 0;
  // Of a reply: which request, the word, whether it was refused. `bytes` has the words of a read.
  WindowReply reply{};
  Bytes bytes{};
  // Of a failure.
  MpiFailure failure{};
};

class MpiThread {
 public:
  // `onEvents` is called by the thread when TakeEvents has something.
  MpiThread(MpiThreadOptions options, std::function<void()> onEvents);
  // The thread uses it to the end of the process.
  ~MpiThread() = delete;

  void Start();
  std::vector<Event> TakeEvents();
  // Valid after kStarted.
  const JobFacts& facts() const { return facts_; }
  ServedWindows& windows() { return windows_; }

  void Send(int destination, Bytes bytes);
  // `words`: of kWrite and kAccumulate.
  void Operate(int owner, WindowRequest request, const std::int32_t* words);
  // Waits for all ranks without stopping work; kMet follows.
  void Meet();

  // Ends MPI, at the end of the process. Waits for it; where MPI_Finalize is known to hang, or does, ends the
  // process instead. Ranks that have not met do so now; if that takes more than a moment, the job is aborted.
  void Finalize(int exitCode);
  // Ends the job on all ranks, and this process.
  [[noreturn]] void Abort(int exitCode);

 private:
  struct Command {
    enum class Kind { kSend, kMeet, kFinalize, kAbort };
    Kind kind;
    int destination = 0;
    int tag = 0;
    Bytes bytes{};
    int exitCode = 0;
  };
  struct Sending {
    // All parts of a message share its memory.
    std::shared_ptr<Bytes> bytes;
    std::unique_ptr<Operation> operation;
  };
  struct Receiving {
    int tag;
    Bytes bytes;
    std::unique_ptr<Operation> operation;
  };

  void Run();
  void StartMpi();
  void MapBells(const std::vector<std::string>& paths);
  void Serve();
  bool TakeCommands();
  void Execute(Command command);
  // Gives up when it has looked in vain so many times.
  bool ProbeMessages(int looks = 1);
  bool TestOperations();
  void Arrived(int source, int tag, Bytes bytes);
  void AnswerRequest(int source, const Bytes& bytes);
  void Post(int destination, int tag, Bytes bytes);
  // To be called when something came from a rank, before JavaScript hears of it, or went there.
  void Connected(int rank);
  void Beat();
  void Rest(std::uint32_t rings, std::int64_t idleMicroseconds);
  bool MeetNow();
  void FinalizeMpi(int exitCode);
  void Tell(Event event);
  void Order(Command command);
  void SetEnded();

  MpiThreadOptions options_;
  std::function<void()> onEvents_;
  std::unique_ptr<MpiLibrary> mpi_;
  JobFacts facts_;
  ServedWindows windows_;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool hasEnded_ = false;
  std::deque<Command> commands_;
  std::vector<Event> events_;

  // Used by the thread alone.
  std::list<Sending> sending_;
  std::map<int, std::deque<Receiving>> receiving_;
  std::map<int, std::vector<std::uint8_t>> parts_;
  std::unique_ptr<Operation> barrier_;
  bool hasMet_ = false;
  int awaitedReplies_ = 0;
  SilenceWatch silence_;
  // Ranks that messages went to or came from, and until when connections to new ones may still be made.
  std::set<int> connected_;
  std::int64_t connectingUntilMs_ = 0;
  // Whoever started this process: the launcher, or what it put between.
  const pid_t parent_ = getppid();
  bool isOver_ = false;

  // The bell of this rank, and those of the ranks of its node; its own alone where they can't be shared.
  SharedMemory bellMemory_;
  Doorbell ownBell_;
  std::map<int, Doorbell*> bells_;
  Doorbell* bell_ = &ownBell_;
  bool isRungByAll_ = false;
};

}  // namespace mpibatch
