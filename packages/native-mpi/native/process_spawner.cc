#include "process_spawner.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <system_error>

#include "system_calls.h"

namespace mpibatch {
namespace {

constexpr std::size_t kStackSizeBytes = 64 * 1024;
constexpr int kSignalCount = 64;
// Of a signal in the kernel's own struct, which nothing but zeros is written into.
constexpr std::size_t kSignalSetSizeBytes = 8;
// A name that older headers lack.
constexpr int kClonePidfd = 0x1000;

// What the child reads, and where it leaves when it began and its fault.
struct Child {
  const char* file;
  const char* directory;
  char* const* words;
  // For a text without an interpreter line: the shell, the file, and what came behind the first word.
  char* const* shellWords;
  char* const* environment;
  int output;
  int errors;
  std::int32_t* group;
  pid_t parent;
  std::int64_t begunTick;
  int fault;
};

// Now, as the kernel tells start times: in clock ticks since boot.
std::int64_t NowTick() {
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return -1;
  static const std::int64_t ticksPerSecond = sysconf(_SC_CLK_TCK);
  return now.tv_sec * ticksPerSecond + now.tv_nsec / (1'000'000'000 / ticksPerSecond);
}

// Pointers to texts that stand one behind the other, each with a NUL behind it.
std::vector<char*> PointersTo(const std::string& texts) {
  std::vector<char*> pointers;
  // execve takes what it never changes as char*.
  auto* text = const_cast<char*>(texts.data());
  for (char* end = text + texts.size(); text < end; text += std::char_traits<char>::length(text) + 1) {
    pointers.push_back(text);
  }
  pointers.push_back(nullptr);
  return pointers;
}

// Handlers would run in memory that isn't the child's own, and what is ignored stays so in the new program.
void ResetSignals() {
  // Larger than the struct of any processor; all zeros are the default action.
  const std::uint64_t byDefault[8] = {};
  for (int signal = 1; signal <= kSignalCount; signal += 1) {
    // KILL and STOP refuse, as they should.
    syscall(SYS_rt_sigaction, signal, byDefault, nullptr, kSignalSetSizeBytes);
  }
}

bool Place(int descriptor, int flags, int target) {
  const int source = descriptor < 0 ? open("/dev/null", flags | O_CLOEXEC) : descriptor;
  if (source < 0) return false;
  // dup2 onto itself would leave it to be closed.
  return source == target ? fcntl(target, F_SETFD, 0) == 0 : dup2(source, target) == target;
}

// Becomes the program. Only comes back if that failed; errno says why. Calls nothing but the system: other
// threads may have been in the middle of anything in this memory.
void Execute(const Child& child) {
  if (setsid() < 0) return;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
  if (getppid() != child.parent) _exit(127);
  if (child.group != nullptr) __atomic_store_n(child.group, getpid(), __ATOMIC_SEQ_CST);
  ResetSignals();
  if (!Place(-1, O_RDONLY, STDIN_FILENO)) return;
  if (!Place(child.output, O_RDWR, STDOUT_FILENO)) return;
  if (!Place(child.errors, O_RDWR, STDERR_FILENO)) return;
  if (chdir(child.directory) != 0) return;
  // They are closed by exec, when the parent waits no longer: closing may take as long as a file system
  // likes. Linux before 5.11 can't do this; what this process opens itself has the mark in any case.
  syscall(kCloseRange, 3U, ~0U, kCloseRangeCloexec);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(child.file, child.words, child.environment);
  if (errno == ENOEXEC) execve(child.shellWords[0], child.shellWords, child.environment);
}

int RunChild(void* given) {
  auto* child = static_cast<Child*>(given);
  child->begunTick = NowTick();
  Execute(*child);
  child->fault = errno;
  _exit(127);
}

}  // namespace

BlockedSignals::BlockedSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

BlockedSignals::~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void WaitForEnd(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

ProcessSpawner::ProcessSpawner()
    : stack_(mmap(nullptr, kStackSizeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
                  -1, 0)) {
  if (stack_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
}

ProcessSpawner::~ProcessSpawner() { munmap(stack_, kStackSizeBytes); }

SpawnedProcess ProcessSpawner::Spawn(const ProcessStart& start) {
  const std::vector<char*> words = PointersTo(start.words);
  const std::vector<char*> environment = PointersTo(start.environment);
  char shell[] = "/bin/sh";
  std::vector<char*> shellWords = {shell, const_cast<char*>(start.file.c_str())};
  // Without any word there is still the end of the list.
  shellWords.insert(shellWords.end(), words.begin() + (words.size() > 1 ? 1 : 0), words.end());
  Child child{};
  child.file = start.file.c_str();
  child.directory = start.directory.c_str();
  child.words = words.data();
  child.shellWords = shellWords.data();
  child.environment = environment.data();
  child.output = start.output;
  child.errors = start.errors;
  child.group = start.group;
  child.parent = getpid();
  auto* top = static_cast<char*>(stack_) + kStackSizeBytes;
  const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  SpawnedProcess spawned;
  int fault = 0;
  const std::int64_t tick = NowTick();
  {
    const BlockedSignals blocked;
    spawned.pid = clone(RunChild, top, flags | kClonePidfd, &child, &spawned.pidfd);
    if (spawned.pid < 0 && errno != EAGAIN && errno != ENOMEM) {
      // There may be no descriptor for it, and sandboxes may know no such flag.
      spawned.pid = clone(RunChild, top, flags, &child);
    }
    fault = spawned.pid < 0 ? errno : child.fault;
  }
  // It started between the two.
  if (child.begunTick == tick) spawned.startTime = tick;
  if (fault == 0) return spawned;
  // While the number is the child's.
  if (start.group != nullptr) __atomic_store_n(start.group, 0, __ATOMIC_SEQ_CST);
  if (spawned.pid > 0) WaitForEnd(spawned.pid);
  if (spawned.pidfd >= 0) close(spawned.pidfd);
  return {-fault, -1, -1};
}

}  // namespace mpibatch
