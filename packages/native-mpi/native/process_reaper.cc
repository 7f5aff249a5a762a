#include "process_reaper.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace mpibatch {
namespace {

constexpr std::size_t kEventCountMax = 64;
// The descriptor that ends the thread; no process has this number.
constexpr pid_t kStop = 0;

int HalfOfDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20) / 2);
}

bool Listen(int epoll, int descriptor, pid_t pid) {
  epoll_event event{};
  // Once: it stays readable until it is collected.
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.fd = pid;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

void ProcessReaper::Ended::Add(const std::vector<pid_t>& found) {
  const std::lock_guard<std::mutex> lock(mutex);
  const bool isFirst = pids.empty();
  pids.insert(pids.end(), found.begin(), found.end());
  if (isFirst && onEnds) onEnds();
}

ProcessReaper::ProcessReaper(std::function<void()> onEnds)
    : descriptorMax_(HalfOfDescriptors()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  ended_->onEnds = std::move(onEnds);
  if (epoll_ < 0 || stop_ < 0 || !Listen(epoll_, stop_, kStop)) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
  // Signals are for the main thread.
  const BlockedSignals blocked;
  thread_ = std::thread([this] { Run(); });
}

ProcessReaper::~ProcessReaper() {
  {
    const std::lock_guard<std::mutex> lock(ended_->mutex);
    ended_->onEnds = nullptr;
  }
  eventfd_write(stop_, 1);
  thread_.join();
  for (const auto& [pid, descriptor] : descriptors_) close(descriptor);
  close(epoll_);
  close(stop_);
}

void ProcessReaper::Watch(const SpawnedProcess& process) {
  if (WatchDescriptor(process)) return;
  // Linux before 5.3, a container that refuses, or few descriptors.
  const BlockedSignals blocked;
  std::thread([ended = ended_, pid = process.pid] {
    siginfo_t info;
    while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    ended->Add({pid});
  }).detach();
}

bool ProcessReaper::WatchDescriptor(const SpawnedProcess& process) {
  if (process.pidfd < 0) return false;
  {
    // The process may have ended: whoever collects it looks for its descriptor.
    const std::lock_guard<std::mutex> lock(descriptorsMutex_);
    if (process.pidfd < descriptorMax_ && Listen(epoll_, process.pidfd, process.pid)) {
      descriptors_[process.pid] = process.pidfd;
      return true;
    }
  }
  close(process.pidfd);
  return false;
}

std::vector<pid_t> ProcessReaper::TakeEnded() {
  const std::lock_guard<std::mutex> lock(ended_->mutex);
  return std::exchange(ended_->pids, {});
}

ProcessEnd ProcessReaper::Collect(pid_t pid) {
  {
    const std::lock_guard<std::mutex> lock(descriptorsMutex_);
    const auto watched = descriptors_.find(pid);
    if (watched != descriptors_.end()) {
      close(watched->second);
      descriptors_.erase(watched);
    }
  }
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) return {-1, -1, true};
  // Others that run as another user (sudo) are there, but can't be reached.
  const bool isGroupLeft = kill(-pid, 0) == 0 || errno != ESRCH;
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status), isGroupLeft};
  return {WEXITSTATUS(status), 0, isGroupLeft};
}

void ProcessReaper::Run() {
  std::array<epoll_event, kEventCountMax> events{};
  for (;;) {
    const int count = epoll_wait(epoll_, events.data(), kEventCountMax, -1);
    std::vector<pid_t> found;
    for (int index = 0; index < count; index += 1) {
      const pid_t pid = events.at(index).data.fd;
      if (pid == kStop) return;
      found.push_back(pid);
    }
    if (!found.empty()) ended_->Add(found);
  }
}

}  // namespace mpibatch
