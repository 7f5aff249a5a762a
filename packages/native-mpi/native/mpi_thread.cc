#include "mpi_thread.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "clock.h"
#include "close_on_exec.h"
#include "job_ending.h"

namespace mpibatch {
namespace {

constexpr int kHostSizeBytes = 256;
constexpr int kPathSizeBytes = 64;

// Turns without work before the thread sleeps; to yield instead may cost it milliseconds where another thread
// computes. The next sleep is a share of the time that nothing has come: who asked a moment ago asks again
// soon.
constexpr int kSpinTurns = 20;
constexpr int kIdlePerSleep = 8;
constexpr int kSleepMinMicroseconds = 50;
// While something is under way that only polling moves on.
constexpr int kSleepBusyMicroseconds = 100;
// A message of another node rings no bell.
constexpr int kSleepMicroseconds = 1000;
constexpr int kSleepRungMicroseconds = 10000;
constexpr std::uint64_t kSliceNanoseconds = 100000;
// Over a network a message takes several looks to come in; those between two sleeps would each wait for the
// next.
constexpr int kLooksAfterSleep = 8;

// How long a process that aborts the job waits for MPI to end it.
constexpr int kAbortMs = 2000;
constexpr int kExitLost = 3;

// Asks the kernel to let this thread run soon after it wakes, for a short time, while threads that compute
// have the processors (Linux 6.12, no privilege needed; others ignore it).
void AskForShortSlices() {
  struct {
    std::uint32_t sizeBytes;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtimeNanoseconds;
    std::uint64_t deadlineNanoseconds;
    std::uint64_t periodNanoseconds;
  } attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;
  attributes.runtimeNanoseconds = kSliceNanoseconds;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

std::string HostName() {
  char name[kHostSizeBytes] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

// The first ranks of all nodes listen to the first rank of the job, and it to them; other ranks to nobody.
std::vector<int> SilencePeers(const JobFacts& facts) {
  if (facts.nodes[static_cast<std::size_t>(facts.rank)] != facts.rank) return {};
  if (facts.rank != 0) return {0};
  std::set<int> firsts(facts.nodes.begin(), facts.nodes.end());
  firsts.erase(0);
  return {firsts.begin(), firsts.end()};
}

std::string SilenceText(const JobFacts& facts, const MpiThreadOptions& options, int silent) {
  const std::string& host = facts.hosts[static_cast<std::size_t>(silent)];
  std::string ranks;
  for (int rank = 0; rank < facts.size; rank += 1) {
    if (facts.nodes[static_cast<std::size_t>(rank)] != silent) continue;
    ranks += (ranks.empty() ? "" : ", ") + std::to_string(rank);
  }
  std::string text =
      "mpibatch: Nothing was heard of " + host + " (rank " + ranks + ") for " +
      std::to_string(options.silenceMs / 1000) +
      " s: it has failed, or the network to it has. The job ends here; run the same line again to go on.\n";
  if (!options.token.empty()) text += options.token + " lost " + host + "\n";
  return text;
}

}  // namespace

MpiThread::MpiThread(MpiThreadOptions options, std::function<void()> onEvents)
    : options_(std::move(options)), onEvents_(std::move(onEvents)) {}

void MpiThread::Start() {
  std::thread([this] { Run(); }).detach();
}

void MpiThread::Run() {
  AskForShortSlices();
  try {
    StartMpi();
    Serve();
  } catch (const MpiFailure& failure) {
    Event event{Event::Kind::kFailed};
    event.failure = failure;
    Tell(std::move(event));
  } catch (const std::exception& error) {
    Event event{Event::Kind::kFailed};
    event.failure = MpiFailure{"", 0, error.what()};
    Tell(std::move(event));
  }
  SetEnded();
}

void MpiThread::StartMpi() {
  OpenedLibrary opened = OpenMpiLibrary(options_.libraries);
  if (opened.library == nullptr) throw MpiFailure{"dlopen", 0, opened.faults};
  mpi_ = std::move(opened.library);
  facts_.path = opened.path;
  facts_.abi = mpi_->AbiName();
  facts_.version = mpi_->Version();
  facts_.threadLevel = mpi_->Initialize();
  // Its descriptors are none of a task's business.
  CloseOnExec();
  facts_.rank = mpi_->Rank();
  facts_.size = mpi_->Size();
  facts_.nodes = mpi_->FirstRankOfNodes();
  facts_.hosts = mpi_->GatherTexts(HostName(), kHostSizeBytes);
  const auto own = static_cast<std::size_t>(facts_.rank);
  const auto onNode = std::count(facts_.nodes.begin(), facts_.nodes.end(), facts_.nodes[own]);
  if (facts_.nodes[own] == facts_.rank && onNode > 1) {
    bellMemory_ = SharedMemory::Allocate(sizeof(Doorbell) * static_cast<std::size_t>(onNode));
  }
  MapBells(mpi_->GatherTexts(bellMemory_.path(), kPathSizeBytes));
  silence_ = SilenceWatch(SilencePeers(facts_), options_.silenceMs, NowMs());
  CloseOnExec();
  Tell(Event{Event::Kind::kStarted});
}

void MpiThread::MapBells(const std::vector<std::string>& paths) {
  const int first = facts_.nodes[static_cast<std::size_t>(facts_.rank)];
  std::vector<int> members;
  for (int rank = 0; rank < facts_.size; rank += 1) {
    if (facts_.nodes[static_cast<std::size_t>(rank)] == first) members.push_back(rank);
  }
  bool isMapped = members.size() == 1 || first == facts_.rank;
  if (!isMapped) {
    try {
      bellMemory_ =
          SharedMemory::Map(paths[static_cast<std::size_t>(first)], sizeof(Doorbell) * members.size());
      isMapped = true;
    } catch (const std::system_error&) {
      // Bells only save time: without them the thread looks more often.
    }
  }
  const std::vector<std::string> marks = mpi_->GatherTexts(isMapped ? "1" : "", 2);
  isRungByAll_ = facts_.NodeCount() == 1 && std::all_of(members.begin(), members.end(), [&](int rank) {
                   return marks[static_cast<std::size_t>(rank)] == "1";
                 });
  if (!isMapped || members.size() == 1) return;
  // Zeroed memory is a bell that was never rung.
  auto* bells = static_cast<Doorbell*>(bellMemory_.address());
  for (std::size_t position = 0; position < members.size(); position += 1) {
    bells_[members[position]] = bells + position;
  }
  const std::lock_guard<std::mutex> guard(mutex_);
  bell_ = bells_[facts_.rank];
}

void MpiThread::Serve() {
  int idleTurns = 0;
  std::int64_t workedMicroseconds = NowMicroseconds();
  while (!isOver_) {
    const std::uint32_t rings = bell_->Rings();
    bool hasWorked = TakeCommands();
    if (isOver_) return;
    hasWorked = ProbeMessages(idleTurns > kSpinTurns ? kLooksAfterSleep : 1) || hasWorked;
    hasWorked = TestOperations() || hasWorked;
    if (NowMs() < connectingUntilMs_) CloseOnExec();
    Beat();
    if (hasWorked) {
      idleTurns = 0;
      workedMicroseconds = NowMicroseconds();
    } else if (++idleTurns > kSpinTurns) {
      Rest(rings, NowMicroseconds() - workedMicroseconds);
    }
  }
}

void MpiThread::Rest(std::uint32_t rings, std::int64_t idleMicroseconds) {
  const bool isUnderWay =
      !sending_.empty() || awaitedReplies_ > 0 || barrier_ != nullptr || !receiving_.empty();
  const std::int64_t longest =
      isUnderWay ? kSleepBusyMicroseconds : (isRungByAll_ ? kSleepRungMicroseconds : kSleepMicroseconds);
  const std::int64_t due = std::max<std::int64_t>(kSleepMinMicroseconds, idleMicroseconds / kIdlePerSleep);
  bell_->Sleep(rings, static_cast<int>(std::min(due, longest)));
}

bool MpiThread::TakeCommands() {
  std::deque<Command> commands;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) Execute(std::move(command));
  return !commands.empty();
}

void MpiThread::Execute(Command command) {
  switch (command.kind) {
    case Command::Kind::kSend:
      if (command.tag == kTagRequest) awaitedReplies_ += 1;
      Post(command.destination, command.tag, std::move(command.bytes));
      break;
    case Command::Kind::kMeet:
      barrier_ = mpi_->Barrier();
      break;
    case Command::Kind::kFinalize:
      FinalizeMpi(command.exitCode);
      isOver_ = true;
      break;
    case Command::Kind::kAbort:
      mpi_->Abort(command.exitCode);
      _exit(command.exitCode);
  }
}

bool MpiThread::TestOperations() {
  bool hasEnded = false;
  for (auto sending = sending_.begin(); sending != sending_.end();) {
    const bool isDone = sending->operation->IsDone();
    hasEnded = hasEnded || isDone;
    sending = isDone ? sending_.erase(sending) : std::next(sending);
  }
  for (auto peer = receiving_.begin(); peer != receiving_.end();) {
    auto& [source, queue] = *peer;
    while (!queue.empty() && queue.front().operation->IsDone()) {
      Receiving received = std::move(queue.front());
      queue.pop_front();
      Arrived(source, received.tag, std::move(received.bytes));
      hasEnded = true;
    }
    peer = queue.empty() ? receiving_.erase(peer) : std::next(peer);
  }
  if (barrier_ != nullptr && barrier_->IsDone()) {
    barrier_.reset();
    hasMet_ = true;
    // Who has come this far may end.
    silence_ = SilenceWatch();
    Tell(Event{Event::Kind::kMet});
    hasEnded = true;
  }
  return hasEnded;
}

void MpiThread::Beat() {
  const std::int64_t nowMs = NowMs();
  if (silence_.IsBeatDue(nowMs)) {
    for (const int peer : silence_.peers()) Post(peer, kTagHeartbeat, Bytes::Allocate(0));
  }
  if (facts_.size > 1 && getppid() != parent_) {
    EndJob("mpibatch: The launcher has ended without a word, so rank " + std::to_string(facts_.rank) +
               " ends too.\n",
           kExitLost);
  }
  const int silent = silence_.FindSilent(nowMs);
  if (silent >= 0) EndJob(SilenceText(facts_, options_, silent), kExitLost);
}

void MpiThread::Meet() { Order(Command{Command::Kind::kMeet}); }

void MpiThread::Finalize(int exitCode) {
  Command command{Command::Kind::kFinalize};
  command.exitCode = exitCode;
  Order(std::move(command));
  std::unique_lock<std::mutex> guard(mutex_);
  ended_.wait(guard, [this] { return hasEnded_; });
}

void MpiThread::Abort(int exitCode) {
  usleep(kWordsMs * 1000);
  Command command{Command::Kind::kAbort};
  command.exitCode = exitCode;
  Order(std::move(command));
  usleep(kAbortMs * 1000);
  _exit(exitCode);
}

void MpiThread::Order(Command command) {
  const std::lock_guard<std::mutex> guard(mutex_);
  commands_.push_back(std::move(command));
  bell_->Ring();
}

void MpiThread::Tell(Event event) {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    events_.push_back(std::move(event));
    if (events_.size() > 1) return;
  }
  onEvents_();
}

std::vector<Event> MpiThread::TakeEvents() {
  const std::lock_guard<std::mutex> guard(mutex_);
  return std::exchange(events_, {});
}

void MpiThread::SetEnded() {
  const std::lock_guard<std::mutex> guard(mutex_);
  hasEnded_ = true;
  ended_.notify_all();
}

}  // namespace mpibatch
