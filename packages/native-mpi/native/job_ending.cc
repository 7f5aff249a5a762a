#include "job_ending.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <vector>

#include "system_calls.h"

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

bool StartsWithOneOf(const std::string& name, std::initializer_list<const char*> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const char* start) { return name.compare(0, std::strlen(start), start) == 0; });
}

struct Launcher {
  pid_t pid = 0;
  // It is only the helper here of a launcher on another machine.
  bool isHelper = false;
  // It is Slurm's, which sees to its own end; the ranks that it has started here must be ended without it.
  bool isSlurm = false;
};

// The launcher among the ancestors of this process, or its helper.
Launcher FindLauncher() {
  Launcher found;
  for (pid_t pid = getppid(); pid > 1;) {
    const ProcessFacts facts = ReadProcess(pid);
    if (StartsWithOneOf(facts.name, {"mpirun", "mpiexec", "orterun", "prterun"})) return {pid, false, false};
    if (StartsWithOneOf(facts.name, {"orted", "prted", "hydra_pmi_proxy", "pmi_proxy"}))
      found = {pid, true, false};
    if (found.pid == 0 && facts.name == "slurmstepd") found = {pid, true, true};
    pid = facts.parent;
  }
  return found;
}

// Its connections to other hosts, and ranks.
std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::vector<pid_t> children;
  const std::string threads = "/proc/" + std::to_string(pid) + "/task";
  DIR* directory = opendir(threads.c_str());
  if (directory == nullptr) return children;
  while (const dirent* thread = readdir(directory)) {
    std::ifstream file(threads + "/" + thread->d_name + "/children");
    for (pid_t child; file >> child;) {
      if (child != getpid()) children.push_back(child);
    }
  }
  closedir(directory);
  return children;
}

void SleepMs(int milliseconds) {
  const timespec duration = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  nanosleep(&duration, nullptr);
}

// Ends the launcher and what it has started here, in a process of its own: the launcher ends this one as soon
// as it is asked to end.
void EndFromOutside(const Launcher& launcher) {
  const std::vector<pid_t> children = ChildrenOf(launcher.pid);
  if (fork() != 0) return;
  // From here on only calls that are safe after a fork in a program with threads.
  setsid();
  // Whoever reads the job's output would wait for this process too.
  if (syscall(kCloseRange, 0U, ~0U, 0U) != 0) {
    // Linux before 5.9; the output has one of the first numbers.
    for (int descriptor = 0; descriptor < 1024; descriptor += 1) close(descriptor);
  }
  if (!launcher.isSlurm) {
    kill(launcher.pid, SIGTERM);
    for (int waitedMs = 0; waitedMs < kGraceMs && kill(launcher.pid, 0) == 0; waitedMs += kLookMs)
      SleepMs(kLookMs);
    kill(launcher.pid, SIGKILL);
  }
  for (const pid_t child : children) kill(child, SIGKILL);
  _exit(0);
}

void Write(const std::string& text) {
  const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  static_cast<void>(written);
}

}  // namespace

void EndJob(const std::string& text, int exitCode) {
  Write(text);
  const Launcher launcher = FindLauncher();
  if (launcher.isHelper) {
    Write(
        "mpibatch: The launcher runs on another machine. If it waits for a lost host, end it there: Ctrl-C, "
        "twice.\n");
  }
  if (launcher.pid != 0) EndFromOutside(launcher);
  // A moment for the launcher to pass the text on.
  SleepMs(kLookMs);
  _exit(exitCode);
}

}  // namespace mpibatch
