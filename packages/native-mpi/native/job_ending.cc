#include "job_ending.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

namespace mpibatch {
namespace {

constexpr int kGraceMs = 5000;
constexpr int kLookMs = 100;

struct ProcessFacts {
  std::string name;
  pid_t parent = 0;
};

ProcessFacts ReadProcess(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name stands in parentheses and may hold any character.
  const std::size_t open = line.find('(');
  const std::size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  ProcessFacts facts;
  facts.name = line.substr(open + 1, close - open - 1);
  std::istringstream rest(line.substr(close + 1));
  std::string state;
  rest >> state >> facts.parent;
  return facts;
}

bool IsLauncher(const std::string& name) {
  for (const char* start : {"mpirun", "mpiexec", "orterun", "prterun"}) {
    if (name.compare(0, std::strlen(start), start) == 0) return true;
  }
  return false;
}

// The launcher among the ancestors of this process, 0 if it runs elsewhere.
pid_t FindLauncher() {
  for (pid_t pid = getppid(); pid > 1;) {
    const ProcessFacts facts = ReadProcess(pid);
    if (IsLauncher(facts.name)) return pid;
    pid = facts.parent;
  }
  return 0;
}

void SleepMs(int milliseconds) {
  const timespec duration = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  nanosleep(&duration, nullptr);
}

// Ends a process, in a process of its own: the launcher ends this one as soon as it is asked to end.
void EndFromOutside(pid_t launcher) {
  if (fork() != 0) return;
  // From here on only calls that are safe after a fork in a program with threads.
  setsid();
  // Whoever reads the job's output would wait for this process too.
  syscall(SYS_close_range, 0U, ~0U, 0U);
  kill(launcher, SIGTERM);
  for (int waitedMs = 0; waitedMs < kGraceMs; waitedMs += kLookMs) {
    SleepMs(kLookMs);
    if (kill(launcher, 0) != 0) _exit(0);
  }
  kill(launcher, SIGKILL);
  _exit(0);
}

}  // namespace

void EndJob(const std::string& text, int exitCode) {
  const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  static_cast<void>(written);
  const pid_t launcher = FindLauncher();
  if (launcher != 0) EndFromOutside(launcher);
  // A moment for the launcher to pass the text on.
  SleepMs(kLookMs);
  _exit(exitCode);
}

}  // namespace mpibatch
